// What a model says besides its graph: class names, recipe, optimizer, initialisers.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph/graph.h"
#include "ir/text/value.h"

namespace rnc::text {

// The arguments from the one at `first` on, all of which must have names, as attributes. Reports all that are
// not in `known` (with a suggestion) or no attributes before it throws; an empty `known` accepts any name.
Attributes keyword_arguments(const Expr& call, const Arguments& arguments, size_t first,
                             const std::vector<std::string>& known, Environment& environment);

bool is_initializer(std::string_view name);
bool is_setting(std::string_view name);  // of a recipe

// ["T-shirt/top", "Trouser", ...]
std::vector<std::string> make_classes(const Expr& expr, Environment& environment);
// "0123456789abcdef"
std::string make_hash(const Expr& expr, Environment& environment);
// recipe(epochs = 10, batch_size = 256, lr = 0.05): each of these may be left out.
std::map<std::string, Attribute> make_recipe(const Expr& expr, Environment& environment);
// sgd(momentum = 0.9): a name and hyper-parameters that are numbers or booleans. Which optimizers there are
// and what they take is known to passes/graph/optimizers.h.
Optimizer make_optimizer(const Expr& expr, Environment& environment);
// kaiming_normal(mode = "fan_out"): see Initializer. Arguments that are left out get PyTorch's defaults.
Initializer make_initializer(const Expr& expr, Environment& environment);

}  // namespace rnc::text
