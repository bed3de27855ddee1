// Files of loop IR: "loops", the model without its entries, then entries, kernels and constants in any order.
#include "ir/loops/text/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "ir/loops/text/entry_reader.h"
#include "ir/loops/text/kernel_reader.h"
#include "ir/loops/text/layers.h"
#include "ir/text/errors.h"
#include "ir/text/suggest.h"

namespace rnc::loops {
namespace {

using text::Errors;

bool begins_item(const Token& token) {
  return token.location.column == 1 &&
         (token.is_word("entry") || token.is_word("kernel") || token.is_word("constant") ||
          token.is_word("layer") || token.is_word("model"));
}

class FileReader {
 public:
  FileReader(std::shared_ptr<const SourceFile> source, Errors& errors)
      : source_(std::move(source)), errors_(errors), tokens_(source_, text::Language::loops) {}

  Listing read() {
    tokens_.skip_newlines();
    take_word(tokens_, "loops");
    for (tokens_.skip_newlines(); tokens_.current().kind != TokenKind::end; tokens_.skip_newlines()) {
      if (!attempt([&] { item(); })) skip_item();
    }
    find_constants();
    find_kernels();
    if (errors_.count() == 0) verify();
    result_.layers = layers_.take();
    return std::move(result_);
  }

 private:
  template <class F>
  bool attempt(const F& f) {
    try {
      f();
      return true;
    } catch (const UserError& error) {
      errors_.add(error.diagnostic());
      return false;
    }
  }

  // To the next line that can only begin an item.
  void skip_item() {
    do {
      tokens_.take();
    } while (tokens_.current().kind != TokenKind::end && !begins_item(tokens_.current()));
  }

  void item() {
    const Token word = tokens_.current();
    if (word.is_word("model")) return model();
    if (take_word(tokens_, "entry")) return entry();
    if (take_word(tokens_, "kernel")) return kernel();
    if (take_word(tokens_, "layer")) return layers_.read(tokens_, *source_);
    if (!take_word(tokens_, "constant"))
      tokens_.unexpected("'entry', 'kernel', 'constant', 'layer' or 'model'");
    constant();
  }

  // Text up to the brace that closes it, for the graph language's reader; what comes before is blanked out, so
  // that places stay.
  void model() {
    const Token word = tokens_.take();
    if (result_.module) throw UserError(word.location, "there already is a model");
    const SourceLocation& place = word.location;
    size_t end = 0;
    int depth = 0;
    do {
      const Token token = tokens_.take();
      if (token.kind == TokenKind::end) throw UserError(place, "the model is not closed");
      depth += token.is("{") ? 1 : token.is("}") ? -1 : 0;
      end = token.offset + 1;
      if (depth == 0 && token.kind == TokenKind::newline) tokens_.unexpected("the model in braces");
      if (depth == 0 && token.is("}")) break;
    } while (true);
    std::string text = source_->text.substr(0, end);
    std::replace_if(
        text.begin(), text.begin() + static_cast<std::ptrdiff_t>(word.offset),
        [](char c) { return c != '\n'; }, ' ');
    result_.module =
        parse_without_entries(std::make_shared<SourceFile>(SourceFile{source_->name, text + "\n"}));
    if (!result_.module->entries.empty())
      throw UserError(place, "the model at the head of loop IR has no entries");
  }

  void entry() {
    ReadEntry read = EntryReader(tokens_).read(call_origins_.emplace_back());
    for (const ReadEntry& other : entries_) {
      if (other.entry.name == read.entry.name)
        throw UserError(read.place, fmt::format("there already is an entry {}", read.entry.name));
    }
    entries_.push_back(std::move(read));
  }

  void kernel() {
    const SourceLocation place = tokens_.current().location;
    Kernel kernel = KernelReader(tokens_).read();
    const auto index = static_cast<int>(result_.program.kernels.size());
    if (!kernels_.emplace(kernel.name, index).second)
      throw UserError(place, fmt::format("there already is a kernel {}", kernel.name));
    result_.program.kernels.push_back(std::move(kernel));
    result_.kernel_places.push_back(place);
  }

  // constant 0 of 4 bytes [ "0000803f" ]
  void constant() {
    const SourceLocation place = tokens_.current().location;
    const auto index = static_cast<size_t>(read_integer(tokens_, "the number of a constant", 0, INT32_MAX));
    if (index != result_.program.constants.size())
      throw UserError(place, fmt::format("the next constant is {}", result_.program.constants.size()));
    result_.program.constants.emplace_back();
    expect_word(tokens_, "of");
    const int64_t size = read_integer(tokens_, "the bytes of a constant", 0, kLargestSize);
    expect_word(tokens_, "bytes");
    if (!tokens_.current().is("["))
      throw UserError(place,
                      fmt::format("the text has no bytes of constant {}: those of more than {} are left "
                                  "out, and make no program",
                                  index, kMostConstantBytes));
    const Token open = tokens_.take();
    std::vector<uint8_t>& bytes = result_.program.constants.back();
    while (tokens_.current().kind == TokenKind::string) read_bytes(tokens_.take(), bytes);
    tokens_.expect_close("]", open);
    if (static_cast<int64_t>(bytes.size()) != size)
      throw UserError(place, fmt::format("the constant has {} bytes, not {}", bytes.size(), size));
    tokens_.end_of_statement();
  }

  static void read_bytes(const Token& digits, std::vector<uint8_t>& bytes) {
    constexpr std::string_view known = "0123456789abcdef";
    for (size_t i = 0; i < digits.text.size(); i += 2) {
      const size_t high = known.find(digits.text[i]);
      const size_t low = i + 1 < digits.text.size() ? known.find(digits.text[i + 1]) : std::string_view::npos;
      if (high == std::string_view::npos || low == std::string_view::npos)
        throw UserError(digits.location, "bytes are pairs of hexadecimal digits");
      bytes.push_back(static_cast<uint8_t>(high * 16 + low));
    }
  }

  void find_constants() {
    for (const ReadEntry& read : entries_) {
      for (const auto& [index, bytes] : read.constants) {
        attempt([&] {
          const auto& constants = result_.program.constants;
          if (index.integer >= static_cast<int64_t>(constants.size()))
            throw UserError(index.location, fmt::format("there is no constant {}", index.integer));
          const size_t held = constants[static_cast<size_t>(index.integer)].size();
          if (static_cast<int64_t>(held) != bytes && errors_.count() == 0)
            throw UserError(index.location, fmt::format("constant {} has {} bytes", index.integer, held));
        });
      }
    }
  }

  void find_kernels() {
    for (ReadEntry& read : entries_) {
      for (size_t c = 0; c < read.kernels.size(); ++c) {
        attempt([&] { read.entry.calls[c].kernel = kernel_called(read.kernels[c]); });
      }
      result_.program.entries.push_back(read.entry);
    }
  }

  // Once something could not be read, that may be what is missing.
  int kernel_called(const Token& name) const {
    const auto found = kernels_.find(name.text);
    if (found != kernels_.end()) return found->second;
    if (errors_.count() > 0) return -1;
    std::vector<std::string> known;
    for (const auto& [each, index] : kernels_) known.push_back(each);
    throw UserError(name.location, fmt::format("there is no kernel {}{}", name.text,
                                               suggestion(text::Wanted::other, name.text, known)));
  }

  // Kernels and calls have their places in the text while they are verified.
  void verify() {
    for (size_t k = 0; k < result_.program.kernels.size(); ++k) {
      Kernel& kernel = result_.program.kernels[k];
      const SourceLocation origin = std::exchange(kernel.location, result_.kernel_places[k]);
      if (auto violation = find_violation(kernel)) {
        violation->message = fmt::format("kernel {}: {}", kernel.name, violation->message);
        errors_.add(*violation);
      }
      kernel.location = origin;
    }
    if (errors_.count() > 0) return;
    for (size_t e = 0; e < entries_.size(); ++e) {
      EntryProgram& entry = result_.program.entries[e];
      attempt([&] { check_types(entries_[e]); });
      if (auto violation = find_violation(result_.program, entry)) {
        if (!violation->location) violation->location = entries_[e].place;
        errors_.add(*violation);
      }
      for (size_t c = 0; c < entry.calls.size(); ++c) entry.calls[c].location = call_origins_[e][c];
    }
  }

  // What only the model and types say of buffers.
  void check_types(const ReadEntry& read) const {
    for (size_t b = 0; b < read.places.size(); ++b) {
      const Buffer& buffer = read.entry.buffers[b];
      const auto require_room = [&](const Type& type, std::string_view what) {
        const int64_t bytes = (storage_bytes_per_sample(type) + 63) / 64 * 64;
        const Extent size = has_batch(type.shape) ? Extent{0, bytes} : Extent{bytes, 0};
        if (buffer.size != size)
          throw UserError(read.places[b], fmt::format("buffer {} has {} bytes, its {} {}: {}", buffer.name,
                                                      str(buffer.size), what, str(type), str(size)));
      };
      if (buffer.type.rank() > 0) require_room(buffer.type, "type");
      if (buffer.region != Region::tensor || !result_.module) continue;
      const std::vector<Tensor>& tensors = result_.module->tensors;
      if (static_cast<size_t>(buffer.index) >= tensors.size())
        throw UserError(read.places[b],
                        fmt::format("the model has {} tensors, none is {}", tensors.size(), buffer.index));
      require_room(tensors[static_cast<size_t>(buffer.index)].type, "tensor");
    }
  }

  std::shared_ptr<const SourceFile> source_;
  Errors& errors_;
  TokenStream tokens_;
  Listing result_;
  LayerReader layers_;
  std::map<std::string, int> kernels_;
  std::vector<ReadEntry> entries_;
  std::vector<std::vector<SourceLocation>> call_origins_;  // by entry
};

}  // namespace

Listing parse_listing(const std::shared_ptr<const SourceFile>& source) {
  Errors errors;
  Listing listing;
  try {
    listing = FileReader(source, errors).read();
  } catch (const text::Stop&) {
  }
  errors.throw_any();
  return listing;
}

bool is_listing(const SourceFile& source) {
  TokenStream tokens(std::make_shared<const SourceFile>(source), text::Language::loops);
  tokens.skip_newlines();
  const Token& first = tokens.current();
  return first.is_word("loops") || first.is_word("entry") || first.is_word("kernel");
}

std::string print(const Module& module, const std::vector<Layer>& layers, const Program& program) {
  Module head = module;
  head.entries.clear();
  std::string text = "loops\n\n" + rnc::print(head) + "\n";
  for (const Layer& layer : layers) text += print(layer);
  return text + (layers.empty() ? "" : "\n") + print(program);
}

}  // namespace rnc::loops
