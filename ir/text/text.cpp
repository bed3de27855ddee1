#include "ir/text/text.h"

#include "ir/text/dump.h"
#include "ir/text/elaborator.h"
#include "ir/text/library.h"

namespace rnc {

Module parse(const std::shared_ptr<const SourceFile>& source, const ElaborateOptions& options) {
  const text::Library library = text::load_library(source);
  if (text::is_dump(*library.model)) return text::read_dump(library, options);
  return text::Elaborator(library, options).run();
}

}  // namespace rnc
