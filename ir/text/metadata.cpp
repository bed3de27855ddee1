#include "ir/text/metadata.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/text/suggest.h"
#include "runtime/contract/settings.h"

namespace rnc::text {
namespace {

constexpr size_t kMaxClasses = 1'000'000;

struct InitializerInfo {
  std::string_view name;
  std::vector<AttributeSpec> arguments;
};
const std::vector<InitializerInfo>& initializers() {
  using Kind = AttributeKind;
  static const std::vector<InitializerInfo> table = {
      {"constant", {{"value", Kind::real, 0.0}}},
      {"kaiming_normal", {{"mode", Kind::string, std::string("fan_in")}}},
      {"kaiming_uniform", {{"a", Kind::real, 0.0}}},
      {"uniform", {{"bound", Kind::real, {}}}},
      {"xavier_uniform", {}},
      {"xavier_normal", {}},
      {"normal", {{"mean", Kind::real, 0.0}, {"std", Kind::real, 1.0}}},
  };
  return table;
}

AttributeKind kind_of(const contract::Setting& setting) {
  switch (setting.kind) {
    case contract::SettingKind::integer:
      return AttributeKind::integer;
    case contract::SettingKind::real:
      return AttributeKind::real;
    case contract::SettingKind::boolean:
      return AttributeKind::boolean;
    case contract::SettingKind::word:
      return AttributeKind::string;
    case contract::SettingKind::integers:
      return AttributeKind::integers;
    case contract::SettingKind::reals:
      return AttributeKind::reals;
  }
  unreachable("kind of setting");
}

bool allows(const contract::Setting& setting, const Attribute& value) {
  if (const auto* real = std::get_if<double>(&value)) return contract::allows(setting, *real);
  if (const auto* integer = std::get_if<int64_t>(&value))
    return contract::allows(setting, static_cast<double>(*integer));
  if (const auto* integers = std::get_if<std::vector<int64_t>>(&value))
    return contract::allows(setting, std::vector<double>(integers->begin(), integers->end()));
  if (const auto* reals = std::get_if<std::vector<double>>(&value)) return contract::allows(setting, *reals);
  const auto* word = std::get_if<std::string>(&value);
  return word == nullptr || contract::allows(setting, *word);
}

std::vector<std::string> names_of(const std::vector<AttributeSpec>& specs) {
  std::vector<std::string> names;
  for (const AttributeSpec& spec : specs) names.emplace_back(spec.name);
  return names;
}

// NAME(...) or NAME alone, which means NAME().
void require_call(const Expr& expr, std::string_view example) {
  if (expr.kind != Expr::Kind::call && expr.kind != Expr::Kind::name) {
    throw UserError(expr.location, fmt::format("expected a call such as {}", example));
  }
}

// Positional arguments stand for the arguments in the order of the table.
Attributes initializer_arguments(const Expr& call, const InitializerInfo& info, Environment& environment) {
  std::vector<AttributeSpec> specs = info.arguments;
  const Arguments arguments = evaluate_arguments(call, environment);
  const size_t positional = positional_count(arguments);
  if (positional > specs.size()) {
    throw UserError(arguments[specs.size()].syntax->location,
                    fmt::format("{}: takes at most {} positional argument{}", info.name, specs.size(),
                                specs.size() == 1 ? "" : "s"));
  }
  for (const std::string_view fan : {"fan_in", "fan_out"}) specs.push_back({fan, AttributeKind::integer, {}});
  Attributes given = keyword_arguments(call, arguments, positional, names_of(specs), environment);
  for (size_t i = 0; i < positional; ++i) {
    const std::string key(specs[i].name);
    if (given.has(key)) throw UserError(call.location, fmt::format("{}: {} is given twice", info.name, key));
    given.set(key, to_attribute(arguments[i].value, arguments[i].syntax->location, key));
  }
  // The fans are computed from the tensor's shape unless given.
  std::erase_if(specs, [&](const AttributeSpec& spec) {
    return spec.name.starts_with("fan_") && !given.has(spec.name);
  });
  return complete_attributes(info.name, specs, std::move(given), call.location);
}

}  // namespace

Attributes keyword_arguments(const Expr& call, const Arguments& arguments, size_t first,
                             const std::vector<std::string>& known, Environment& environment) {
  const Wanted wanted = call.text == "recipe" ? Wanted::setting : Wanted::argument;
  Attributes result;
  bool complete = true;
  for (size_t i = first; i < arguments.size(); ++i) {
    const auto& [syntax, value] = arguments[i];
    const std::string& key = syntax->keyword;
    if (key.empty()) {
      throw UserError(syntax->location, fmt::format("{}: this argument must have a name", call.text));
    }
    const bool is_known = known.empty() || std::ranges::find(known, key) != known.end();
    complete &= environment.attempt(syntax->location, [&] {
      if (!is_known) {
        throw UserError(syntax->keyword_location, fmt::format("{}: there is no argument '{}'{}", call.text,
                                                              key, suggestion(wanted, key, known)));
      }
      result.set(key, to_attribute(value, syntax->location, fmt::format("{}: {}", call.text, key)));
    });
  }
  if (!complete) throw Poisoned{};
  return result;
}

bool is_initializer(std::string_view name) {
  return std::ranges::find(initializers(), name, &InitializerInfo::name) != initializers().end();
}

bool is_setting(std::string_view name) { return contract::find_setting(name) != nullptr; }

std::vector<std::string> make_classes(const Expr& expr, Environment& environment) {
  const Value value = evaluate(expr, environment);
  const auto* list = value.get<std::shared_ptr<const List>>();
  if (value.is_poison()) throw Poisoned{};
  if (list == nullptr) throw UserError(expr.location, "classes must be a list of strings");
  if ((*list)->size() > kMaxClasses) throw UserError(expr.location, "there are too many classes");
  std::vector<std::string> classes;
  for (const Value& element : **list) {
    const auto* name = element.get<std::string>();
    if (name == nullptr) {
      throw UserError(expr.location, fmt::format("a class name must be a string, not {}", kind_of(element)));
    }
    classes.push_back(*name);
  }
  return classes;
}

std::string make_hash(const Expr& expr, Environment& environment) {
  const Value value = evaluate(expr, environment);
  const auto* hash = value.get<std::string>();
  if (value.is_poison()) throw Poisoned{};
  constexpr std::string_view digits = "0123456789abcdef";
  if (hash == nullptr || hash->size() != 16 || hash->find_first_not_of(digits) != std::string::npos) {
    throw UserError(expr.location, "hash must be a string of 16 hexadecimal digits");
  }
  return *hash;
}

std::map<std::string, Attribute> make_recipe(const Expr& expr, Environment& environment) {
  std::vector<AttributeSpec> specs;
  for (const contract::Setting& setting : contract::settings())
    specs.push_back({setting.name, kind_of(setting), {}});
  const Arguments arguments = evaluate_arguments(expr, environment);
  Attributes given = keyword_arguments(expr, arguments, 0, names_of(specs), environment);
  std::map<std::string, Attribute> result;
  for (const Argument& argument : arguments) {
    const std::string& key = argument.syntax->keyword;
    const SourceLocation& location = argument.syntax->location;
    const contract::Setting& setting = *contract::find_setting(key);
    const AttributeSpec spec{setting.name, kind_of(setting), {}};
    Attributes one;
    one.set(key, given.all().find(key)->second);
    const Attribute value =
        complete_attributes("recipe", {&spec, 1}, std::move(one), location).all().find(key)->second;
    if (!allows(setting, value)) {
      throw UserError(location, fmt::format("recipe: {} must be {}, not {}", key, contract::allowed(setting),
                                            str(value)));
    }
    result.emplace(key, value);
  }
  return result;
}

Optimizer make_optimizer(const Expr& expr, Environment& environment) {
  require_call(expr, "sgd(momentum = 0.9)");
  Optimizer optimizer{.name = expr.text, .location = expr.location};
  const Attributes given = keyword_arguments(expr, evaluate_arguments(expr, environment), 0, {}, environment);
  for (const auto& [key, value] : given.all()) {
    const auto* integer = std::get_if<int64_t>(&value);
    if (integer == nullptr && !std::holds_alternative<double>(value) &&
        !std::holds_alternative<bool>(value)) {
      const std::string other = suggestion(Wanted::hyper, key, {});
      if (!other.empty())
        throw UserError(expr.location, fmt::format("{}: there is no attribute {}{}", expr.text, key, other));
      throw UserError(expr.location, fmt::format("{}: {} must be a number or a boolean, not {}", expr.text,
                                                 key, str(value)));
    }
    optimizer.hyper.set(key, integer != nullptr ? Attribute(static_cast<double>(*integer)) : value);
  }
  return optimizer;
}

Initializer make_initializer(const Expr& expr, Environment& environment) {
  require_call(expr, "kaiming_normal(mode = \"fan_out\")");
  std::vector<std::string> known;
  for (const InitializerInfo& info : initializers()) {
    if (info.name == expr.text) {
      return {std::string(info.name), initializer_arguments(expr, info, environment)};
    }
    known.emplace_back(info.name);
  }
  throw UserError(expr.location, fmt::format("unknown initialiser '{}'{}", expr.text,
                                             suggestion(Wanted::initializer, expr.text, known)));
}

}  // namespace rnc::text
