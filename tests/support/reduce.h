// Makes the text of a failing network smaller while it still fails: removes lines and attributes, makes numbers smaller
// (delta debugging, Zeller 1999, using what is known of the language).
#pragma once

#include <functional>
#include <string>

namespace rnc::test {

// `text` is a spec with one operation a line, as random_network writes it. `fails` says whether a text, which
// may be no valid one, fails as the first did; it is asked at most `tries` times.
std::string reduced(std::string text, const std::function<bool(const std::string&)>& fails, int tries = 400);

}  // namespace rnc::test
