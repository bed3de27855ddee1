#include "ir/text/text.h"

#include "ir/text/dump.h"
#include "ir/text/elaborator.h"
#include "ir/text/library.h"

namespace rnc {

namespace text {
namespace {

Module read(const std::shared_ptr<const SourceFile>& source, const ElaborateOptions& options,
            Errors& errors) {
  try {
    const Library library = load_library(source, errors);
    if (is_dump(*library.model)) return read_dump(library, options, errors);
    return Elaborator(library, options, errors).run();
  } catch (const UserError& error) {
    errors.add(error.diagnostic());
  } catch (const LimitExceeded& error) {
    if (errors.count() == 0) errors.add(error.diagnostic);  // else it may be their consequence
  }
  return {};
}

}  // namespace
}  // namespace text

Module parse(const std::shared_ptr<const SourceFile>& source, const ElaborateOptions& options) {
  text::Errors errors;
  Module module;
  try {
    module = text::read(source, options, errors);
  } catch (const text::Stop&) {
  }
  errors.throw_any();
  return module;
}

}  // namespace rnc
