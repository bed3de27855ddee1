// Calls of blocks, and their repetition.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "ir/text/elaborator.h"
#include "ir/text/suggest.h"

namespace rnc::text {

Value Elaborator::call_block(const Definition& block, const Expr& call, const Arguments& arguments,
                             std::string scope, std::string result_name) {
  const Level level(*this, call.location);
  check_recursion(block, call);
  check_arguments(block, call, arguments);
  const auto initializers = initializers_;  // `init` in a block holds to its end
  const std::string suffix = block.inlined ? frames_.back().suffix : std::string();
  frames_.push_back({&block, std::move(scope), std::move(result_name), {}, call.location, suffix});
  Value result = run_block(block, arguments);
  frames_.pop_back();
  initializers_ = initializers;
  return result;
}

// In the frame of the block.
Value Elaborator::run_block(const Definition& block, const Arguments& arguments) {
  Value result{Poison{}};
  attempt(block.location, [&] {
    bind(block, arguments);
    if (std::optional<Value> returned = execute(block.body)) {
      result = std::move(*returned);
    } else if (!frames_.back().uncertain) {
      throw UserError(block.location, fmt::format("block {} does not return anything", block.name));
    }
  });
  return result;
}

void Elaborator::check_recursion(const Definition& block, const Expr& call) const {
  const bool is_open = std::ranges::any_of(frames_, [&](const Frame& f) { return f.definition == &block; });
  if (is_open) throw UserError(call.location, fmt::format("block {} calls itself", block.name));
}

void Elaborator::check_arguments(const Definition& block, const Expr& call,
                                 const Arguments& arguments) const {
  const std::vector<Parameter>& parameters = block.parameters;
  const size_t positional = positional_count(arguments);
  if (positional > parameters.size()) {
    throw UserError(arguments[parameters.size()].syntax->location,
                    fmt::format("{}: takes {} arguments, not {}", block.name, parameters.size(), positional));
  }
  std::vector<std::string> names;
  for (const Parameter& parameter : parameters) names.push_back(parameter.name);
  std::vector<bool> is_bound(parameters.size());
  for (size_t i = 0; i < positional; ++i) is_bound[i] = true;
  for (size_t i = positional; i < arguments.size(); ++i) {
    const Expr& syntax = *arguments[i].syntax;
    const auto index = static_cast<size_t>(std::ranges::find(names, syntax.keyword) - names.begin());
    if (index == names.size()) {
      throw UserError(syntax.keyword_location,
                      fmt::format("{}: there is no argument '{}'{}", block.name, syntax.keyword,
                                  suggestion(Wanted::argument, syntax.keyword, names)));
    }
    if (is_bound[index]) {
      throw UserError(syntax.keyword_location,
                      fmt::format("{}: {} is given twice", block.name, syntax.keyword));
    }
    is_bound[index] = true;
  }
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (!is_bound[i] && !parameters[i].default_value) {
      throw UserError(call.location, fmt::format("{}: {} is missing", block.name, names[i]));
    }
  }
}

// Binds the parameters in the new frame, in order: a default may use those before it.
void Elaborator::bind(const Definition& block, const Arguments& arguments) {
  const size_t positional = positional_count(arguments);
  for (size_t i = 0; i < block.parameters.size(); ++i) {
    const Parameter& parameter = block.parameters[i];
    const auto named = std::ranges::find_if(
        arguments, [&](const Argument& argument) { return argument.syntax->keyword == parameter.name; });
    frames_.back().variables[parameter.name] = i < positional ? arguments[i].value
                                               : named != arguments.end()
                                                   ? named->value
                                                   : evaluate(*parameter.default_value, *this);
  }
}

namespace {

// Takes the argument of this name out, if it is there.
std::optional<Argument> take(Arguments& arguments, std::string_view name) {
  const auto found = std::ranges::find_if(
      arguments, [&](const Argument& argument) { return argument.syntax->keyword == name; });
  if (found == arguments.end()) return std::nullopt;
  Argument taken = std::move(*found);
  arguments.erase(found);
  return taken;
}

bool is_given(const Arguments& arguments, std::string_view name) {
  return std::ranges::any_of(arguments, [&](const Argument& a) { return a.syntax->keyword == name; });
}

bool has_parameter(const Definition* block, std::string_view name) {
  return block != nullptr && std::ranges::count(block->parameters, name, &Parameter::name) > 0;
}

}  // namespace

// repeat(block, x, ..., count = K): y = block(x, ...), then block(y, ...), K times in all, in scopes NAME.0,
// NAME.1, ... (`first` and `separator` change the 0 and the dot); an argument `stride` is for the first only, and a
// parameter `index` is told 0, 1, ...
Value Elaborator::repeat(const Expr& call, const std::string& result_name) {
  Arguments arguments = evaluate_arguments(call, *this);
  if (positional_count(arguments) < 2) {
    throw UserError(call.location, "repeat: takes a block, what it is applied to, and count = K");
  }
  const auto held = [&]<class T>(T none) {
    const T* value = arguments[0].value.get<T>();
    return value != nullptr ? *value : none;
  };
  const Definition* block = held(static_cast<const Definition*>(nullptr));
  const OpInfo* operation = held(static_cast<const OpInfo*>(nullptr));
  if (arguments[0].value.is_poison()) return {Poison{}};
  const auto shared = held(std::shared_ptr<const Shared>());
  if (shared != nullptr) {
    block = shared->block;
    operation = shared->operation;
  }
  if (block == nullptr && operation == nullptr) {
    throw UserError(arguments[0].syntax->location,
                    fmt::format("repeat: the first argument must be a block or an operation, not {}",
                                kind_of(arguments[0].value)));
  }
  arguments.erase(arguments.begin());
  const auto integer = [&](std::string_view name, std::optional<int64_t> otherwise, int64_t least) {
    const std::optional<Argument> given = take(arguments, name);
    if (!given && !otherwise) throw UserError(call.location, fmt::format("repeat: {} is missing", name));
    if (!given) return *otherwise;
    const SourceLocation& at = given->syntax->location;
    const int64_t value = to_integer(given->value, at, fmt::format("repeat: {}", name));
    if (value < least || value > kMaxRepeats)
      throw UserError(
          at, fmt::format("repeat: {} must be between {} and {}, not {}", name, least, kMaxRepeats, value));
    return value;
  };
  const int64_t count = integer("count", std::nullopt, 0);
  const int64_t first = has_parameter(block, "first") ? 0 : integer("first", 0, 0);
  std::string separator = ".";
  if (!has_parameter(block, "separator")) {
    if (const std::optional<Argument> given = take(arguments, "separator")) {
      const auto* text = given->value.get<std::string>();
      if (text == nullptr) mismatch(given->value, given->syntax->location, "repeat: separator", "a string");
      separator = *text;
    }
  }
  Expr index_syntax = call;  // of the argument that is added
  index_syntax.keyword = "index";
  const bool wants_index = has_parameter(block, "index") && !is_given(arguments, "index");
  const std::string repeated(operation != nullptr ? operation->name : block->name);
  const std::string name = result_name.empty() ? generated_name(repeated, call.location) : result_name;
  for (int64_t i = 0; i < count; ++i) {
    const std::string step = fmt::format("{}{}{}", name, separator, first + i);
    Arguments now = arguments;
    if (wants_index) now.push_back({&index_syntax, {i}});
    if (shared != nullptr) {
      arguments[0].value = call_shared(*shared, call, now);
      if (arguments[0].value.is_poison()) break;
      continue;
    }
    arguments[0].value = operation != nullptr ? call_operation(*operation, call, std::move(now), step)
                                              : call_block(*block, call, now, layer_of(step), step);
    if (i == 0) take(arguments, "stride");
    if (arguments[0].value.is_poison()) break;
  }
  return arguments[0].value;
}

// shared(block): what it gives can be called many times, with the same parameters, those of the layer that it is called.
Value Elaborator::share(const Expr& call, const Arguments& arguments, const std::string& result_name) {
  if (arguments.size() != 1 || positional_count(arguments) != 1)
    throw UserError(call.location, "shared: takes a block or an operation");
  const Value& what = arguments[0].value;
  Shared shared;
  if (const auto* block = what.get<const Definition*>()) shared.block = *block;
  if (const auto* operation = what.get<const OpInfo*>()) shared.operation = *operation;
  if (shared.block == nullptr && shared.operation == nullptr)
    mismatch(what, arguments[0].syntax->location, "shared: the argument", "a block or an operation");
  if (result_name.empty()) throw UserError(call.location, "shared: write NAME = shared(...)");
  shared.name = result_name;
  if (!shared_calls_.try_emplace(result_name).second && !sharing_)
    throw UserError(call.location, fmt::format("{} is shared already", result_name));
  return {std::make_shared<const Shared>(std::move(shared))};
}

Value Elaborator::call_shared(const Shared& shared, const Expr& call, const Arguments& arguments) {
  struct Restored {  // when the call ends, by an error or not
    Elaborator& self;
    bool sharing = self.sharing_;
    SharedCalls* call = self.shared_call_;
    ~Restored() {
      self.sharing_ = sharing;
      self.shared_call_ = call;
    }
  } const restored{*this};
  SharedCalls& calls = shared_calls_[shared.name];
  calls.made.clear();
  sharing_ = sharing_ || calls.count++ > 0;
  shared_call_ = &calls;
  return shared.block != nullptr ? call_block(*shared.block, call, arguments, shared.name, shared.name)
                                 : call_operation(*shared.operation, call, arguments, shared.name);
}

}  // namespace rnc::text
