#include "compiler/emit/model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <llvm/IR/IRBuilder.h>

#include <algorithm>
#include <limits>

#include "compiler/emit/data.h"
#include "compiler/emit/entry.h"
#include "ir/loops/buffers.h"
#include "passes/schedule/plan_memory.h"
#include "runtime/contract/abi.h"

namespace rnc {
namespace {

using loops::Buffer;
using loops::Call;
using loops::EntryProgram;
using loops::Extent;
using loops::Region;

using Fields = std::vector<llvm::Constant*>;

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

int32_t abi_role(EntryRole role) {
  switch (role) {
    case EntryRole::prepare:
      return RN_PREPARE;
    case EntryRole::inference:
      return RN_INFER;
    case EntryRole::loss:
      return RN_EVALUATE;
    case EntryRole::backward:
      return RN_BACKWARD;
    case EntryRole::update:
      return RN_UPDATE;
    case EntryRole::train_step:
      return RN_TRAIN_STEP;
    case EntryRole::explain:
      return RN_EXPLAIN;
    case EntryRole::model:
    case EntryRole::training:
    case EntryRole::other:
      return RN_OTHER_ENTRY;
  }
  unreachable("entry role");
}

int32_t abi_role(OutputRole role) {
  switch (role) {
    case OutputRole::prediction:
      return RN_PREDICTION;
    case OutputRole::loss:
      return RN_LOSS;
    case OutputRole::term:
      return RN_LOSS_TERM;
    case OutputRole::activation:
      return RN_ACTIVATION;
    case OutputRole::gradient:
      return RN_ACTIVATION_GRADIENT;
  }
  unreachable("output role");
}

int32_t abi_role(const Node& input) {
  switch (input_role(input)) {
    case InputRole::sample:
      return input.type.rank() == 0 ? RN_NUMBER : RN_SAMPLE;
    case InputRole::target:
      return RN_TARGET;
    case InputRole::mixture_target:
      return RN_MIXTURE_TARGET;
    case InputRole::mixture_share:
      return RN_MIXTURE_SHARE;
    case InputRole::learning_rate:
      return RN_LEARNING_RATE;
    case InputRole::step:
      return RN_STEP;
    case InputRole::hyper:
      return RN_HYPER;
    case InputRole::seed:
      return RN_SEED;
    case InputRole::grad_output:
      return RN_GRAD_OUTPUT;
  }
  unreachable("input role");
}

// Strings without quotes, as rn_attribute.text wants them.
std::string plain_text(const Attribute& value) {
  const auto* string = std::get_if<std::string>(&value);
  return string ? *string : str(value);
}

double number(const Attribute& value) {
  if (const auto* real = std::get_if<double>(&value)) return *real;
  if (const auto* integer = std::get_if<int64_t>(&value)) return static_cast<double>(*integer);
  if (const auto* boolean = std::get_if<bool>(&value)) return *boolean ? 1 : 0;
  return kNoNumber;
}

// The table of a model's descriptors, to which they refer themselves: filled in at last.
struct VariantTable {
  llvm::Constant* address;
  int64_t count;
};

// Writes the descriptor of a variant, struct by struct in the order of runtime/contract/abi.h.
class ModelEmitter {
 public:
  ModelEmitter(const LoweredModel& model, llvm::Module& out, Data& data, const VariantTable& variants)
      : model_(model),
        module_(model.module),
        out_(out),
        data_(data),
        variants_(variants),
        context_(entry_context(model, out, data)) {}

  llvm::GlobalVariable* emit() {
    call_loop_ = emit_call_loop(out_, data_, context_);
    llvm::Constant* descriptor = this->descriptor();
    auto* variable = new llvm::GlobalVariable(out_, descriptor->getType(), true,
                                              llvm::GlobalValue::PrivateLinkage, descriptor);
    variable->setAlignment(llvm::Align(8));
    return variable;
  }

 private:
  llvm::Constant* descriptor() {
    const Target& target = model_.target;
    Fields classes, tensors, entries, region_bytes, layers;
    for (const std::string& name : module_.classes) classes.push_back(data_.text(name));
    for (size_t i = 0; i < module_.tensors.size(); ++i) tensors.push_back(tensor(i));
    for (const EntryProgram& program : model_.program.entries) entries.push_back(entry(program));
    for (const int64_t bytes : context_.region_bytes) region_bytes.push_back(data_.i64(bytes));
    for (const Layer& layer : model_.layers) layers.push_back(this->layer(layer));
    return data_.record<rn_model_descriptor>({
        data_.i32(RN_MAGIC),
        data_.i32(RN_ABI_VERSION),
        data_.text(target.triple),
        data_.text(target.cpu),
        data_.text(fmt::format("{}", fmt::join(target.features, ","))),
        data_.text("rnc " RNC_VERSION),
        data_.text(module_.name),
        data_.i64(static_cast<int64_t>(model_.graph_hash)),
        data_.text(module_.predict),
        data_.table(classes),
        data_.i64(static_cast<int64_t>(classes.size())),
        attributes(module_.recipe),
        data_.text(module_.optimizer.name),
        attributes(module_.optimizer.hyper.all()),
        data_.table(tensors),
        data_.i64(static_cast<int64_t>(tensors.size())),
        data_.array(region_bytes),
        data_.i64(context_.scratch_bytes_per_worker),
        data_.table(entries),
        data_.i64(static_cast<int64_t>(entries.size())),
        data_.table(layers),
        data_.i64(static_cast<int64_t>(layers.size())),
        variants_.address,
        data_.i64(variants_.count),
        data_.text(contract::name(precision(model_.program))),
    });
  }

  template <class Map>
  llvm::Constant* attributes(const Map& values) {
    Fields items;
    for (const auto& [name, value] : values) {
      items.push_back(data_.record<rn_attribute>(
          {data_.text(name), data_.text(plain_text(value)), data_.f64(number(value))}));
    }
    return data_.record<rn_attributes>({data_.table(items), data_.i64(static_cast<int64_t>(items.size()))});
  }

  llvm::Constant* extent(const Extent& extent) {
    return data_.record<rn_extent>({data_.i64(extent.fixed), data_.i64(extent.per_sample)});
  }

  llvm::Constant* type(const Type& type) {
    check(type.rank() <= RN_MAX_RANK, "a type of more dimensions than the ABI has");
    static_assert(contract::kMostBlocks == RN_MAX_RANK);
    Fields dims, order, block_dim, block_size;
    for (size_t i = 0; i < RN_MAX_RANK; ++i) {
      const bool present = i < type.shape.size();
      const bool blocked = i < type.layout.blocks.size();
      const bool permuted = !type.layout.order.empty();
      dims.push_back(data_.i64(present ? type.shape[i] : 0));
      order.push_back(data_.i32(!present ? 0 : permuted ? type.layout.order[i] : static_cast<int64_t>(i)));
      block_dim.push_back(data_.i32(blocked ? type.layout.blocks[i].dim : 0));
      block_size.push_back(data_.i64(blocked ? type.layout.blocks[i].size : 0));
    }
    return data_.record<rn_type>({data_.i32(contract::abi_code(type.dtype).value()), data_.i32(type.rank()),
                                  data_.array(dims), data_.array(order),
                                  data_.i32(static_cast<int64_t>(type.layout.blocks.size())),
                                  data_.array(block_dim), data_.array(block_size)});
  }

  llvm::Constant* tensor(size_t index) {
    const Tensor& tensor = module_.tensors[index];
    const TensorPlace& place = context_.tensors[index];
    return data_.record<rn_tensor>({data_.text(tensor.name), data_.i32(place.kind),
                                    data_.i32(tensor.of.empty() ? -1 : tensors_.index(tensor.of)),
                                    type(tensor.type), data_.i64(place.offset), data_.i64(place.bytes),
                                    data_.text(tensor.initializer.name),
                                    attributes(tensor.initializer.attributes.all()), values(tensor)});
  }

  llvm::Constant* values(const Tensor& tensor) {
    if (model_.values == nullptr) return data_.null();
    const auto found = model_.values->find(tensor.name);
    return found == model_.values->end() ? data_.null() : data_.floats(*found->second);
  }

  // The model's own value of a scalar input: the optimizer's hyper-parameter of that name, or the recipe's
  // lr, or what the input was declared with.
  double default_value(const Node& input) {
    const Attributes& hyper = module_.optimizer.hyper;
    if (hyper.has(input.name)) return number(hyper.all().find(input.name)->second);
    const auto recipe = module_.recipe.find(input.name);
    return recipe != module_.recipe.end() ? number(recipe->second) : input.attributes.get<double>("default");
  }

  llvm::Constant* value(const std::string& name, int32_t role, const Type& type, double initial,
                        int64_t classes, int32_t ignored_label) {
    return data_.record<rn_value>({data_.text(name), data_.i32(role), data_.i32(ignored_label),
                                   this->type(type), data_.f64(initial), data_.i64(classes)});
  }

  llvm::Constant* input(const EntryProgram& entry, const Node& node) {
    const auto classes = entry.classes.find(node.name);
    const auto ignored = entry.ignored_labels.find(node.name);
    return value(node.name, abi_role(node), node.type,
                 node.type.rank() == 0 ? default_value(node) : kNoNumber,
                 classes == entry.classes.end() ? 0 : classes->second,
                 ignored == entry.ignored_labels.end() ? RN_NO_LABEL : static_cast<int32_t>(ignored->second));
  }

  llvm::Constant* call_info(const EntryProgram& entry, const Call& call) {
    check(call.kernel >= 0, "a call without a kernel in entry " + entry.name);
    const loops::Kernel& kernel = model_.program.kernels.at(static_cast<size_t>(call.kernel));
    return data_.record<rn_call_info>({data_.text(kernel.name), data_.text(call.label),
                                       data_.text(call.work.direction), data_.text(call.work.algorithm),
                                       extent(call.work.flops), extent(call.work.bytes), extent(kernel.tasks),
                                       extent(call.work.operations), data_.i64(call.work.from_batch),
                                       extent(call.work.direct_bytes)});
  }

  llvm::Constant* layer(const Layer& layer) {
    Fields inputs;
    for (const int32_t input : layer.inputs) inputs.push_back(data_.i32(input));
    return data_.record<rn_layer>({data_.text(layer.name), data_.text(layer.operation),
                                   data_.text(layer.result), data_.text(layer.text), data_.table(inputs),
                                   data_.i64(static_cast<int64_t>(inputs.size())),
                                   data_.i64(layer.parameters), data_.i64(layer.multiply_adds)});
  }

  // What a call takes the elements of a buffer for.
  int32_t buffer_dtype(const EntryProgram& entry, int buffer, int call_number) {
    const Call& call = entry.calls.at(static_cast<size_t>(call_number));
    const auto is_of = [&](int given) { return loops::whole_of(entry.buffers, given) == buffer; };
    const auto argument = std::ranges::find_if(call.arguments, is_of) - call.arguments.begin();
    const loops::Kernel& kernel = model_.program.kernels.at(static_cast<size_t>(call.kernel));
    return contract::abi_code(kernel.params.at(static_cast<size_t>(argument))->scalar).value_or(-1);
  }

  // The temporaries that calls use, in the order of first use.
  Fields buffers(const EntryProgram& entry) {
    const std::vector<Life> life = lives(entry);
    std::vector<size_t> order;
    for (size_t b = 0; b < entry.buffers.size(); ++b)
      if (entry.buffers[b].region == Region::arena && life[b].first >= 0) order.push_back(b);
    std::ranges::stable_sort(order, {}, [&](size_t b) { return std::pair(life[b].first, life[b].last); });
    Fields buffers;
    for (const size_t b : order) {
      const Buffer& buffer = entry.buffers[b];
      buffers.push_back(data_.record<rn_buffer>(
          {data_.text(buffer.name), extent(buffer.size), extent(buffer.offset), data_.i32(life[b].first),
           data_.i32(life[b].last), data_.i32(buffer_dtype(entry, static_cast<int>(b), life[b].first)),
           data_.i32(0)}));
    }
    return buffers;
  }

  int64_t tensor_kinds(const EntryProgram& entry) {
    int64_t kinds = 0;
    for (const Call& call : entry.calls) {
      for (const int argument : call.arguments) {
        const Buffer& buffer = entry.buffers.at(static_cast<size_t>(argument));
        if (buffer.region != Region::tensor) continue;
        kinds |= int64_t{1} << context_.tensors.at(static_cast<size_t>(buffer.index)).kind;
      }
    }
    return kinds;
  }

  llvm::Constant* entry(const EntryProgram& entry) {
    Fields inputs, outputs, calls;
    for (const Node& input : entry.inputs) inputs.push_back(this->input(entry, input));
    for (size_t i = 0; i < entry.outputs.size(); ++i) {
      const auto& [name, type] = entry.outputs[i];
      const int32_t role = abi_role(entry.role_of(static_cast<int>(i)));
      outputs.push_back(value(name, role, type, kNoNumber, 0, RN_NO_LABEL));
    }
    for (const Call& call : entry.calls) calls.push_back(call_info(entry, call));
    const Fields buffers = this->buffers(entry);
    return data_.record<rn_entry>(
        {data_.text(entry.name), data_.table(inputs), data_.i64(static_cast<int64_t>(inputs.size())),
         data_.table(outputs), data_.i64(static_cast<int64_t>(outputs.size())),
         data_.i32(tensor_kinds(entry)), data_.i32(abi_role(entry.role)), extent(entry.arena[0]),
         extent(entry.arena[1]), extent(entry.direct_flops), data_.table(calls),
         data_.i64(static_cast<int64_t>(calls.size())), emit_entry(out_, data_, context_, call_loop_, entry),
         data_.table(buffers), data_.i64(static_cast<int64_t>(buffers.size())), extent(entry.live_bound),
         data_.i64(entry.min_batch), data_.text(entry.min_batch_layer),
         data_.i64(loss_calls(context_, entry))});
  }

  const LoweredModel& model_;
  const Module& module_;
  TensorIndex tensors_{module_};
  llvm::Module& out_;
  Data& data_;
  VariantTable variants_;
  EntryContext context_;
  llvm::Function* call_loop_ = nullptr;
};

void export_as(llvm::GlobalVariable& variable, const std::string& name) {
  variable.setName(name);
  variable.setLinkage(llvm::GlobalValue::ExternalLinkage);
  variable.setDSOLocal(true);
  variable.setVisibility(llvm::GlobalValue::ProtectedVisibility);
}

}  // namespace

std::unique_ptr<llvm::Module> emit_model(Variants variants, llvm::LLVMContext& context) {
  auto out = new_module("model", variants.front().target, context);
  Data data(*out);
  llvm::GlobalVariable* table = nullptr;
  if (variants.size() > 1) {
    auto* type = llvm::ArrayType::get(llvm::PointerType::getUnqual(context), variants.size());
    table = new llvm::GlobalVariable(*out, type, true, llvm::GlobalValue::PrivateLinkage,
                                     llvm::UndefValue::get(type));
  }
  const VariantTable all = table == nullptr ? VariantTable{data.null(), 0}
                                            : VariantTable{table, static_cast<int64_t>(variants.size())};
  Fields descriptors;
  llvm::GlobalVariable* last = nullptr;
  for (const LoweredModel& variant : variants) {
    last = ModelEmitter(variant, *out, data, all).emit();
    descriptors.push_back(last);
  }
  if (table != nullptr) table->setInitializer(data.array(descriptors));
  export_as(*last, variants.front().symbol());
  return out;
}

}  // namespace rnc
