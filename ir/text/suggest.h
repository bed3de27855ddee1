// What was probably meant by a name that means nothing where it stands.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rnc::text {

// What is wanted in the name's place.
enum class Wanted : uint8_t {
  operation,    // or a function or a block
  argument,     // of an operation or a block
  value,        // the name of one
  statement,    // the word it begins with
  item,         // likewise
  type,         // of elements
  initializer,  //
  optimizer,    //
  hyper,        // an argument of an optimizer
  setting,      // an argument of recipe
  other,
};

// "; did you mean 'conv2d'?", "; rnc has no such operation yet" or the like for a name that is none of
// `candidates`; "" where there is nothing to say. In this order: a candidate of the same letters, whatever
// their case; what other frameworks call by this name (ir/text/foreign_names.h); what else the name is in
// rnc; the candidate nearest in edit distance, up to a third of the name's letters.
std::string suggestion(Wanted wanted, std::string_view name, const std::vector<std::string>& candidates);

}  // namespace rnc::text
