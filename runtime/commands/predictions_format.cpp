#include "runtime/commands/predictions_format.h"

#include <algorithm>

#include "runtime/support/output.h"

namespace rnrun {

namespace {

using nlohmann::ordered_json;

std::string text_of(const ordered_json& json, int indent) {
  return json.dump(indent, ' ', false, ordered_json::error_handler_t::replace);
}

ordered_json record(const std::string& image, const Answer& answer) {
  ordered_json json = {{"image", image}};
  json.update(answer.json);
  return json;
}

// The answer's lines below the image's name.
class Text : public PredictionsFormat {
 public:
  void answer(const std::string& image, const Answer& answer) override {
    print("{}\n{}", image, answer.text);
  }
  void failed(const std::string&, const std::string&) override {}
};

// One array.
class Json : public PredictionsFormat {
 public:
  void answer(const std::string& image, const Answer& answer) override {
    results_.push_back(record(image, answer));
  }
  void failed(const std::string& image, const std::string& reason) override {
    results_.push_back({{"image", image}, {"error", reason}});
  }
  void finish() override { print("{}\n", text_of(results_, 2)); }

 private:
  ordered_json results_ = ordered_json::array();
};

// An object on each line.
class JsonLines : public PredictionsFormat {
 public:
  void answer(const std::string& image, const Answer& answer) override {
    print("{}\n", text_of(record(image, answer), -1));
  }
  void failed(const std::string& image, const std::string& reason) override {
    print("{}\n", text_of({{"image", image}, {"error", reason}}, -1));
  }
};

// A field of RFC 4180.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

std::string csv_field(const ordered_json& value) {
  return csv_field(value.is_string() ? value.get<std::string>() : text_of(value, -1));
}

// A line for each image, below one that names the columns: the fields of the answer, of a list of objects each object's
// fields with their numbers, "class1,index1,probability1,class2,...".
class Csv : public PredictionsFormat {
 public:
  void answer(const std::string& image, const Answer& answer) override {
    std::string names, fields;
    const auto add = [&](const std::string& name, const ordered_json& value) {
      names += ',' + csv_field(name);
      fields += ',' + csv_field(value);
    };
    for (const auto& [name, value] : answer.json.items()) {
      if (!value.is_array() || value.empty() || !value[0].is_object()) {
        add(name, value);
        continue;
      }
      for (size_t i = 0; i < value.size(); ++i)
        for (const auto& [part, field] : value[i].items()) add(part + std::to_string(i + 1), field);
    }
    if (!headed_) print("image{}\n", names);
    headed_ = true;
    print("{}{}\n", csv_field(image), fields);
  }
  void failed(const std::string&, const std::string&) override {}

 private:
  bool headed_ = false;
};

}  // namespace

std::unique_ptr<PredictionsFormat> predictions_format(PredictionsKind kind) {
  switch (kind) {
    case PredictionsKind::json:
      return std::make_unique<Json>();
    case PredictionsKind::jsonl:
      return std::make_unique<JsonLines>();
    case PredictionsKind::csv:
      return std::make_unique<Csv>();
    case PredictionsKind::text:
      break;
  }
  return std::make_unique<Text>();
}

}  // namespace rnrun
