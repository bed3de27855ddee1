#include "ir/text/text.h"

#include "ir/text/dump.h"
#include "ir/text/elaborator.h"
#include "ir/text/library.h"

namespace rnc {

namespace text {
namespace {

// `flat`: whatever it looks like.
Module read(const std::shared_ptr<const SourceFile>& source, const ElaborateOptions& options, bool flat,
            Errors& errors) {
  try {
    const Library library = load_library(source, options.include_paths, errors);
    if (flat || is_dump(*library.model)) return read_dump(library, options, errors);
    return Elaborator(library, options, errors).run();
  } catch (const UserError& error) {
    errors.add(error.diagnostic());
  } catch (const LimitExceeded& error) {
    if (errors.count() == 0) errors.add(error.diagnostic);  // else it may be their consequence
  }
  return {};
}

Module read_all(const std::shared_ptr<const SourceFile>& source, const ElaborateOptions& options, bool flat) {
  Errors errors;
  Module module;
  try {
    module = read(source, options, flat, errors);
  } catch (const Stop&) {
  }
  errors.throw_any();
  return module;
}

}  // namespace
}  // namespace text

Module parse(const std::shared_ptr<const SourceFile>& source, const ElaborateOptions& options) {
  return text::read_all(source, options, false);
}

Module parse_without_entries(const std::shared_ptr<const SourceFile>& source) {
  return text::read_all(source, {}, true);
}

}  // namespace rnc
