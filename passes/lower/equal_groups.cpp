#include "passes/lower/equal_groups.h"

#include <fmt/format.h>

#include <algorithm>

#include "passes/lower/rules.h"

namespace rnc {

GroupValues::GroupValues(const Graph& graph, const Group& group) {
  for (const ValueId v : group) {
    for (const ValueId u : graph[v].inputs) {
      if (!std::ranges::binary_search(group, u)) values_.push_back(u);
    }
  }
  std::ranges::sort(values_);
  const auto repeated = std::ranges::unique(values_);
  values_.erase(repeated.begin(), repeated.end());
  operands_ = values_.size();
  values_.insert(values_.end(), group.begin(), group.end());
}

int GroupValues::number(ValueId v) const {
  const auto found = std::ranges::lower_bound(values_, v);
  check(found != values_.end() && *found == v, "lowering a group takes values that are not its own");
  return static_cast<int>(found - values_.begin());
}

void GroupRecorder::call(int kernel, ValueId of, const std::vector<int>& arguments,
                         const std::vector<std::pair<ValueId, ValueId>>& in_place, const loops::Work& work) {
  GroupRecord::Call call{.kernel = kernel, .of = values_.number(of), .work = work};
  for (const int buffer : arguments) call.arguments.push_back(steps_.at(buffer));
  for (const auto& [written, read] : in_place)
    call.in_place.emplace_back(values_.number(written), values_.number(read));
  record_.steps.emplace_back(std::move(call));
}

// All that rules look at: the nodes of the group, their operands, what is stored, which values lie in the
// same place, which in the caller's memory and which are parts, of images of how many bytes.
std::string Lowering::description(const GroupValues& values) const {
  std::string text;
  std::vector<Place> places;
  for (size_t i = 0; i < values.all().size(); ++i) {
    const ValueId v = values.all()[i];
    const Node& node = graph_[v];
    const Place place = place_of(v);
    const auto same = std::ranges::find(places, place) - places.begin();
    places.push_back(place);
    const auto to = destinations_.find(v);
    const bool callers = to != destinations_.end() && to->second.region == loops::Region::output;
    const Part* part = parts_.find(v);
    text += fmt::format("{} {} {} {} {} {}", name(node.op), str(node.type), stored(v), same, callers,
                        part == nullptr ? 0 : part->pitch);
    const bool computed = i >= values.operands();
    if (computed || node.op == Op::constant) {
      for (const auto& [key, value] : node.attributes.all()) text += fmt::format(" {}={}", key, str(value));
    }
    if (computed) {
      for (const ValueId u : node.inputs) text += fmt::format(" {}", values.number(u));
      text += fmt::format(" {}", node.optional);
    }
    text += '\n';
  }
  return text;
}

void Lowering::lower(const Group& group) {
  const GroupValues values(graph_, group);
  begin(images_of(graph_, group));
  const auto [known, is_new] = groups_.try_emplace(description(values));
  if (!is_new) return lower_again(*known->second, values);
  const LowerRule rule = lower_rule(graph_[anchor_of(graph_, group)].op);
  check(rule != nullptr,
        fmt::format("{} has to be replaced before lowering", rnc::name(graph_[anchor_of(graph_, group)].op)));
  GroupRecorder recorder(values);
  recorder_ = &recorder;
  rule(*this, group);
  recorder_ = nullptr;
  known->second = std::make_shared<const GroupRecord>(recorder.record());
}

// Takes the steps of a record on the values of an equal group.
struct Lowering::Repetition {
  Lowering& lowering;
  const std::vector<ValueId>& values;
  std::vector<int> made = {};  // buffer by step

  ValueId value(int number) const { return values[static_cast<size_t>(number)]; }
  int operator()(const GroupRecord::ValueBuffer& step) const { return lowering.buffer(value(step.value)); }
  int operator()(const GroupRecord::Temporary& step) const {
    return lowering.temporary(step.name, step.bytes);
  }
  int operator()(const GroupRecord::Constant& step) const { return lowering.constant(step.name, step.bytes); }
  int operator()(const GroupRecord::Call& step) const {
    std::vector<int> arguments;
    for (const int a : step.arguments) arguments.push_back(made[static_cast<size_t>(a)]);
    std::vector<std::pair<ValueId, ValueId>> in_place;
    for (const auto& [written, read] : step.in_place) in_place.emplace_back(value(written), value(read));
    lowering.add_call(step.kernel, std::move(arguments), value(step.of), step.work, in_place);
    return -1;
  }
};

void Lowering::lower_again(const GroupRecord& record, const GroupValues& values) {
  Repetition repetition{*this, values.all()};
  for (const auto& step : record.steps) repetition.made.push_back(std::visit(repetition, step));
}

}  // namespace rnc
