#include "ir/loops/text/layers.h"

#include <fmt/format.h>

namespace rnc::loops {

void LayerReader::read(TokenStream& tokens, const SourceFile& source) {
  const Token name = expect_name(tokens, "the layer's name");
  Layer layer{.name = name.text.substr(name.text.starts_with('%') ? 1 : 0)};
  tokens.expect(":");
  layer.result = str(read_type(tokens));
  tokens.expect("=");
  layer.operation = expect_name(tokens, "an operation").text;
  const size_t end = arguments(tokens, layer);
  layer.text = source.text.substr(name.offset, end - name.offset);
  if (take_word(tokens, "of")) {
    do {
      const int64_t count = read_integer(tokens, "a count", 0, kLargestWork);
      const bool parameters = take_word(tokens, "parameters");
      if (!parameters) expect_word(tokens, "multiply_adds");
      (parameters ? layer.parameters : layer.multiply_adds) = count;
    } while (tokens.take_if(","));
  }
  tokens.end_of_statement();
  if (!index_.emplace(name.text, static_cast<int32_t>(layers_.size())).second)
    throw UserError(name.location, fmt::format("there already is a layer {}", name.text));
  layers_.push_back(std::move(layer));
}

size_t LayerReader::arguments(TokenStream& tokens, Layer& layer) const {
  const Token open = tokens.expect("(");
  int depth = 1;
  for (;;) {
    const bool is_operand = depth == 1 && !tokens.following().is("=");
    const Token token = tokens.current();
    if (token.kind == TokenKind::end) tokens.expect_close(")", open);
    if (token.kind == TokenKind::malformed) tokens.unexpected("an argument");
    tokens.take();
    depth += token.is("(") || token.is("[") ? 1 : token.is(")") || token.is("]") ? -1 : 0;
    if (depth == 0) return token.offset + 1;
    const auto source = is_operand && token.kind == TokenKind::name ? index_.find(token.text) : index_.end();
    if (source != index_.end()) layer.inputs.push_back(source->second);
  }
}

std::string print(const Layer& layer) {
  std::string counts;
  if (layer.parameters > 0) counts += fmt::format(" of {} parameters", layer.parameters);
  if (layer.multiply_adds > 0)
    counts += fmt::format("{} {} multiply_adds", counts.empty() ? " of" : ",", layer.multiply_adds);
  return fmt::format("layer {}{}\n", layer.text, counts);
}

}  // namespace rnc::loops
