#include "runtime/report/page.h"

namespace rnrun {

// The page's parts, made by embed.cmake of the files beside this one.
extern const std::string_view report_html;
extern const std::string_view report_style;
extern const std::string_view report_chart_library;
extern const std::string_view report_script;

namespace {

// JSON in which nothing ends the script element around it or begins a comment.
std::string json_for_html(const nlohmann::ordered_json& json) {
  std::string text;
  for (const char c : json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)) {
    if (c == '<')
      text += "\\u003c";
    else
      text += c;
  }
  return text;
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '<':
        result += "&lt;";
        break;
      case '&':
        result += "&amp;";
        break;
      default:
        result += c;
        break;
    }
  }
  return result;
}

std::string page_of(const nlohmann::ordered_json& data, std::string_view title) {
  std::string page;
  std::string_view rest = report_html;
  const auto put = [&](std::string_view mark, std::string_view content) {
    const size_t place = rest.find(mark);
    page += rest.substr(0, place);
    page += content;
    rest.remove_prefix(place + mark.size());
  };
  put("@TITLE@", escaped(title));
  put("@STYLE@", report_style);
  put("@DATA@", json_for_html(data));
  put("@CHART@", report_chart_library);
  put("@SCRIPT@", report_script);
  return page + std::string(rest);
}

}  // namespace

std::string report_page(const std::vector<nlohmann::ordered_json>& runs, std::string_view title) {
  return page_of({{"runs", runs}}, title);
}

std::string lr_find_page(const nlohmann::ordered_json& find) {
  return page_of({{"lr_find", find}}, "Learning rates of " + find.value("model", ""));
}

std::string explain_page(const nlohmann::ordered_json& explanations) {
  return page_of({{"explain", explanations}}, "Where " + explanations.value("model", "") + " looks");
}

}  // namespace rnrun
