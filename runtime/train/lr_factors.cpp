#include "runtime/train/lr_factors.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "runtime/support/error.h"
#include "runtime/train/for_blocks.h"

namespace rnrun {

namespace {

constexpr double kLargestFactor = 1e6;
std::vector<std::string> parameters_of(const Model& model) {
  std::vector<std::string> names;
  for (const rn_tensor& t : model.tensors())
    if (t.kind == RN_PARAMETER) names.emplace_back(t.name);
  return names;
}

bool matches(const std::string& pattern, const std::string& name) {
  return fnmatch(pattern.c_str(), name.c_str(), 0) == 0 || name.starts_with(pattern + ".");
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    if (comma > 0) parts.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

// Sets the factor of every parameter that matches.
void set_matching(std::map<std::string, double>& factors, const std::string& flag, const std::string& pattern,
                  double factor) {
  bool found = false;
  for (auto& [name, value] : factors) {
    if (!matches(pattern, name)) continue;
    value = factor;
    found = true;
  }
  if (!found)
    throw UsageError(fmt::format("{}: no parameter matches '{}'; there are {} and others", flag, pattern,
                                 factors.empty() ? "none" : factors.begin()->first));
}

std::map<std::string, double> ones(const std::vector<std::string>& names) {
  std::map<std::string, double> factors;
  for (const std::string& name : names) factors[name] = 1;
  return factors;
}

std::map<std::string, double> multiplied(const std::vector<std::string>& names, const std::string& lr_mult) {
  std::map<std::string, double> factors = ones(names);
  for (const std::string& part : split(lr_mult)) {
    const size_t equals = part.find('=');
    const std::string number = equals == std::string::npos ? "" : part.substr(equals + 1);
    double factor = -1;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), factor);
    const bool read = error == std::errc() && end == number.data() + number.size();
    if (equals == 0 || !read || !(factor >= 0 && factor <= kLargestFactor))
      throw UsageError(fmt::format(
          "--lr-mult: must be PATTERN=NUMBER, with numbers from 0 to {}, separated by commas, not {}",
          kLargestFactor, part));
    set_matching(factors, "--lr-mult", part.substr(0, equals), factor);
  }
  return factors;
}

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// "layer1.0" of "layer1.0.conv1.weight"; empty for what has no number.
std::string block_of(const std::string& name) {
  for (size_t begin = 0; begin < name.size();) {
    const size_t end = std::min(name.find('.', begin), name.size());
    if (is_number(std::string_view(name).substr(begin, end - begin))) return name.substr(0, end);
    begin = end + 1;
  }
  return "";
}

std::map<std::string, double> decayed(const std::vector<std::string>& names, double decay) {
  std::map<std::string, double> factors;
  int depth = 0;
  for (size_t i = names.size(); i-- > 0;) {
    if (i + 1 < names.size() && block_of(names[i]) != block_of(names[i + 1])) ++depth;
    factors[names[i]] = std::pow(decay, depth);
  }
  return factors;
}

std::map<std::string, double> frozen(const std::vector<std::string>& names, const std::string& freeze) {
  std::map<std::string, double> factors = ones(names);
  for (const std::string& pattern : split(freeze)) set_matching(factors, "--freeze", pattern, 0);
  return factors;
}

}  // namespace

std::map<std::string, double> lr_factors(const Model& model, const TrainSettings& s, int64_t epoch) {
  const std::vector<std::string> names = parameters_of(model);
  std::map<std::string, double> factors = multiplied(names, s.lr_mult);
  for (const auto& [name, factor] : decayed(names, s.layer_decay)) factors[name] *= factor;
  for (const auto& [name, factor] : frozen(names, s.freeze))
    if (epoch < s.freeze_epochs) factors[name] *= factor;
  std::erase_if(factors, [](const auto& item) { return item.second == 1; });
  return factors;
}

LrFactors::LrFactors(Session& session, const std::map<std::string, double>& factors) : session_(&session) {
  int64_t kept = 0;
  for (const rn_tensor& t : session.model().tensors()) {
    const auto found = t.kind == RN_PARAMETER ? factors.find(t.name) : factors.end();
    if (found == factors.end()) continue;
    const auto floats = [](int64_t bytes) { return bytes / static_cast<int64_t>(sizeof(float)); };
    for (int64_t begin = 0; begin < floats(t.bytes); begin += kBlockFloats) {
      const int64_t count = std::min(kBlockFloats, floats(t.bytes) - begin);
      blocks_.push_back({floats(t.offset) + begin, count, kept, static_cast<float>(found->second)});
      kept += count;
    }
  }
  kept_ = Memory(kept * static_cast<int64_t>(sizeof(float)), "parameters before a step");
}

float* LrFactors::parameters() const {
  return reinterpret_cast<float*>(session_->region(RN_PARAMETER).data());
}

void LrFactors::before_step() {
  session_->pool().for_each(static_cast<int64_t>(blocks_.size()), [&](int64_t i) {
    const Block& block = blocks_[static_cast<size_t>(i)];
    std::copy_n(parameters() + block.begin, block.count, reinterpret_cast<float*>(kept_.data()) + block.kept);
  });
}

void LrFactors::after_step() {
  session_->pool().for_each(static_cast<int64_t>(blocks_.size()), [&](int64_t i) {
    const Block& block = blocks_[static_cast<size_t>(i)];
    float* moved = parameters() + block.begin;
    const float* kept = reinterpret_cast<const float*>(kept_.data()) + block.kept;
    if (block.factor == 0)
      std::copy_n(kept, block.count, moved);  // not even a zero changes its sign
    else
      for (int64_t k = 0; k < block.count; ++k) moved[k] = kept[k] + block.factor * (moved[k] - kept[k]);
  });
}

}  // namespace rnrun
