// --emit=trainer: an executable that is rnrun and carries a model (rn_trailer in runtime/contract/abi.h).
#pragma once

#include <string>
#include <string_view>

namespace rnc {

// The bytes of an executable trainer made of those of rnrun and of a model's shared library.
std::string make_trainer(std::string_view rnrun, std::string_view library);

// The rnrun program that stands beside this one. Throws UserError if there is none.
std::string find_rnrun();

}  // namespace rnc
