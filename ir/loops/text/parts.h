// What kernels and entries have in common in the text of the loop IR. Every function throws UserError at the
// token that is not what is expected.
#pragma once

#include <cstdint>
#include <string_view>

#include "ir/graph/type.h"
#include "ir/loops/loops.h"
#include "ir/text/token_stream.h"

namespace rnc::loops {

using text::Token;
using text::TokenKind;
using text::TokenStream;

inline constexpr int64_t kLargestWork = int64_t{1} << 60;  // operations that a call says it makes
inline constexpr int kMostLanes = 256;

// Takes the word if it is next.
bool take_word(TokenStream& tokens, std::string_view word);
void expect_word(TokenStream& tokens, std::string_view word);
Token expect_name(TokenStream& tokens, std::string_view what);
int64_t read_integer(TokenStream& tokens, std::string_view what, int64_t least, int64_t most);
double read_number(TokenStream& tokens);  // "-1.5", "inf", "nan"
// "64", "N", "4 + 2 * N"
Extent read_extent(TokenStream& tokens, int64_t most = kLargestSize);
// "f32[N, 64, 56, 56 | 1:16]"
Type read_type(TokenStream& tokens);
// "@ "m.graph" 4:3", which may be missing
SourceLocation read_origin(TokenStream& tokens);
// "f32", "f32x16"; none where the word is no type.
std::optional<ValueType> value_type(const Token& word);
// "x : f32[N, 64]", with the name taken.
Memory read_memory(TokenStream& tokens, const Token& name, Space space);

}  // namespace rnc::loops
