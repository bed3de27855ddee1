#include "ir/onnx/image.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <sstream>

#include "ir/onnx/call.h"

namespace rnc::onnx {
namespace {

constexpr const char* kForm = "--image: must be 'u8, mean=0.485 0.456 0.406, std=0.229 0.224 0.225'";

[[noreturn]] void fail(const std::string& why) {
  throw UserError({}, fmt::format("{}, where scale=, by default 1/255, layout=nhwc, mean= and std= may be "
                                  "left out; {}",
                                  kForm, why));
}

std::string trimmed(const std::string& text) {
  constexpr const char* kSpace = " \t\n";
  const size_t begin = text.find_first_not_of(kSpace);
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

double number(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    fail(fmt::format("'{}' is no number", text));
  return value;
}

std::vector<double> numbers(const std::string& key, const std::string& text) {
  std::istringstream words(text);
  std::vector<double> values;
  for (std::string word; words >> word;) values.push_back(number(word));
  if (values.empty()) fail(fmt::format("{} has no numbers", key));
  return values;
}

void set(ImageRule& rule, const std::string& key, const std::string& value) {
  if (key == "mean") {
    rule.mean = numbers(key, value);
  } else if (key == "std") {
    rule.std = numbers(key, value);
  } else if (key == "scale") {
    rule.scale = number(value);
    if (!(rule.scale > 0)) fail("scale must be greater than 0");
  } else if (key == "layout" && (value == "nhwc" || value == "nchw")) {
    rule.channels_last = value == "nhwc";
  } else {
    fail(fmt::format("'{}={}' is none of these", key, value));
  }
}

// One number for all channels, or one for each; as normalize has them, of pixels from 0 to 1.
std::vector<double> of_channels(const std::string& what, std::vector<double> values, int64_t channels,
                                double scale) {
  if (values.size() == 1) values.resize(static_cast<size_t>(channels), values[0]);
  if (static_cast<int64_t>(values.size()) != channels)
    throw UserError({}, fmt::format("--image: {} has {} numbers, and the image {} channels", what,
                                    values.size(), channels));
  const double times = scale * 255;
  for (double& value : values) value = times == 1 ? value : value / times;
  return values;
}

}  // namespace

ImageRule parse_image(const std::string& text) {
  ImageRule rule;
  std::istringstream parts(text);
  std::string part;
  std::getline(parts, part, ',');
  if (trimmed(part) != "u8") fail(fmt::format("pixels are u8, not '{}'", trimmed(part)));
  while (std::getline(parts, part, ',')) {
    const size_t equals = part.find('=');
    if (equals == std::string::npos) fail(fmt::format("'{}' gives no value", trimmed(part)));
    set(rule, trimmed(part.substr(0, equals)), trimmed(part.substr(equals + 1)));
  }
  return rule;
}

size_t image_place(const std::vector<ModelInput>& inputs) {
  std::vector<size_t> places;
  std::vector<std::string> known;
  for (size_t i = 0; i < inputs.size(); ++i) {
    known.push_back(fmt::format("{} {}", inputs[i].name, rnc::str(inputs[i].type)));
    if (inputs[i].type.rank() == 4 && is_real(inputs[i].type.dtype)) places.push_back(i);
  }
  if (places.size() == 1) return places[0];
  throw UserError({}, fmt::format("--image: {} of the inputs {} takes an image of real numbers",
                                  places.empty() ? "none" : "more than one", fmt::join(known, ", ")));
}

ValueId add_image(GraphBuilder& builder, const std::string& name, const Type& type, const ImageRule& rule) {
  const Shape& s = type.shape;
  const Shape shape = rule.channels_last ? Shape{s[0], s[3], s[1], s[2]} : s;
  constexpr int64_t kMostChannels = 4;
  if (shape[1] > kMostChannels) {
    const std::string hint = rule.channels_last      ? "; layout=nhwc is for files that take [N, H, W, C]"
                             : s[3] <= kMostChannels ? "; layout=nhwc takes the last dimension for them"
                                                     : "";
    throw UserError(
        {}, fmt::format("--image: '{}' is {}, with {} channels{}", name, rnc::str(type), shape[1], hint));
  }
  const ValueId pixels = builder.input(name, {DType::u8, shape, {}});
  builder.set_origin({}, "normalize");
  const ValueId x = builder.emit(Op::normalize, {pixels},
                                 attributes({{"mean", of_channels("mean", rule.mean, shape[1], rule.scale)},
                                             {"std", of_channels("std", rule.std, shape[1], rule.scale)}}));
  if (!rule.channels_last) return x;
  return builder.emit(Op::permute, {x}, attributes({{"order", std::vector<int64_t>{0, 2, 3, 1}}}));
}

}  // namespace rnc::onnx
