#include "runtime/model/model.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <vector>

#include "runtime/contract/cpu.h"
#include "runtime/model/cpu_features.h"
#include "runtime/model/variants.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

TEST_CASE("a model loads and its tables can be searched") {
  const auto model = Model::load(model_path("linear"));
  CHECK(model->name() == "linear");
  CHECK(model->graph_hash() == "000000000000123e");
  CHECK(model->find_tensor("fc.bias")->kind == RN_PARAMETER);
  CHECK(model->find_tensor("fc") == nullptr);
  CHECK(model->entry("train_step").input_count == 5);
  CHECK(error_of([&] { model->entry("predict"); }) ==
        model->path() + " has no entry 'predict'; it has prepare, infer, loss, backward, update, train_step");
}

TEST_CASE("an arena is the larger of two sizes, at any batch") {
  rn_entry entry{};
  entry.arena[0] = {64, 128};
  entry.arena[1] = {1024, 64};
  CHECK(at(arena(entry, 1), 1) == 1088);
  CHECK(at(arena(entry, 15), 15) == 1984);
  CHECK(at(arena(entry, 16), 16) == 2112);
  CHECK(arena(entry, INT64_MAX).per_sample == 128);
}

TEST_CASE("what a call does depends on the batch where its algorithm does") {
  const auto model = Model::load(model_path("linear"));
  const rn_call_info& call = model->entry("backward").calls[1];
  const CallWork few = work_of(call, 15), many = work_of(call, 16);
  CHECK(few.algorithm == "direct");
  CHECK(few.flops == 15 * 2 * 7840);
  CHECK(few.operations == few.flops);
  CHECK(few.bytes == 8);
  CHECK(many.algorithm == "clever");
  CHECK(many.flops == 16 * 2 * 7840);
  CHECK(many.operations == many.flops / 2);
  CHECK(many.bytes == 784 * 16 * 4 + 16 * 784);
}

TEST_CASE("what is no model, or not for this rnrun or machine, is refused before any of its code runs") {
  const TemporaryDirectory directory;
  const std::string garbage = directory / "garbage.so";
  write_text(garbage,
             "\x7f"
             "ELF and then nothing of use");
  write_text(directory / "empty.so", "");
  const auto message = [](const std::string& path) { return error_of([&] { Model::load(path); }); };

  CHECK(message("/nonexistent/m.so") == "cannot load the model /nonexistent/m.so: no such file");
  CHECK(message(directory.path()) == "cannot load the model " + directory.path() + ": not a regular file");
  for (const std::string& path : {garbage, directory / "empty.so", std::string("/proc/self/exe")})
    CHECK(message(path) ==
          path + " is no library made by this version of rnc, or is damaged: it has no checksum");
  const std::string magic = model_path("linear_wrong_magic");
  CHECK(message(magic) == magic + " is not a model made by rnc (wrong magic number)");
  const std::string version = model_path("linear_wrong_version");
  CHECK(message(version) ==
        version + " has ABI version 99, this rnrun has 11: compile it with the rnc of this release");
  const std::string cpu = model_path("linear_wrong_cpu");
  CHECK(message(cpu) ==
        cpu +
            " was compiled for generic and needs CPU features this machine lacks: flux-capacitor, "
            "avx1024; compile it with --target-cpu=native here");
  const std::string offset = model_path("linear_wrong_offset");
  CHECK(message(offset) == offset + " is damaged: tensors 'fc.weight' and 'fc.bias' overlap");
}

TEST_CASE("descriptors that contradict themselves are refused") {
  const auto model = Model::load(model_path("linear"));
  const rn_model_descriptor good = model->descriptor();
  std::vector<rn_tensor> tensors;
  std::vector<rn_entry> entries;
  const auto message = [&](auto change) {
    rn_model_descriptor descriptor = good;
    tensors.assign(good.tensors, good.tensors + good.tensor_count);
    entries.assign(good.entries, good.entries + good.entry_count);
    descriptor.tensors = tensors.data();
    descriptor.entries = entries.data();
    change(descriptor);
    return error_of([&] { Model(descriptor, "m"); });
  };
  using D = rn_model_descriptor;
  const std::string tensor = "m is damaged: tensor 'fc.weight' has an impossible type or place";
  CHECK(message([](D&) {}).empty());
  CHECK(message([&](D&) { tensors[0].kind = 9; }) == tensor);
  CHECK(message([&](D&) { tensors[0].bytes -= 4; }) == tensor);
  CHECK(message([&](D&) { tensors[0].offset = -64; }) == tensor);
  CHECK(message([&](D&) { tensors[0].offset = 4; }) == tensor);
  CHECK(message([&](D&) { tensors[0].offset = 1 << 20; }) == tensor);
  CHECK(message([&](D&) { tensors[0].type.dims[0] = -1; }) == tensor);
  CHECK(message([](D& d) { d.region_bytes[RN_SLOT] = -1; }) == "m is damaged: a region of negative size");
  CHECK(message([](D& d) { d.scratch_bytes_per_worker = -1; }) ==
        "m is damaged: scratch memory of negative size");
  CHECK(message([&](D&) { entries[2].arena[1].per_sample = -1; }) ==
        "m is damaged: entry 'loss' has a negative arena");
  rn_value input = good.entries[1].inputs[0];
  input.type.rank = 40;
  CHECK(message([&](D&) { entries[1].inputs = &input; }) ==
        "m is damaged: 'image' of entry 'infer' has an impossible type");
}

TEST_CASE(
    "of a model for several CPUs, the best variant is taken that this one runs, or the one that is named") {
  const auto model = Model::load(model_path("linear"));
  rn_model_descriptor future = model->descriptor(), good = future, poor = future;
  future.cpu = "future", future.features = "flux-capacitor";
  good.cpu = "good", poor.cpu = "poor";
  const rn_model_descriptor* table[] = {&future, &good, &poor};
  for (rn_model_descriptor* variant : {&future, &good, &poor}) {
    variant->variants = table;
    variant->variant_count = 3;
  }
  CHECK(variants(model->descriptor(), "m") == std::vector{&model->descriptor()});
  CHECK(variants(poor, "m").size() == 3);
  CHECK(&best_variant(poor, "m") == &good);
  CHECK(rn_best_variant(&poor) == &good);
  const auto best = std::make_shared<const Model>(best_variant(poor, "m"), "m");
  CHECK(chosen_variant(best) == best);
  CHECK(chosen_variant(best, "good") == best);
  CHECK(&chosen_variant(best, "poor")->descriptor() == &poor);
  CHECK(variant_of(chosen_variant(best, "poor"), "good")->name() == "linear");
  CHECK(error_of([&] { variant_of(best, "z80"); }) == "m has no variant z80; it has future, good, poor");
  CHECK(error_of([&] { variant_of(model, "z80"); }) == model->path() + " has no variant z80; it has generic");
  CHECK(error_of([&] { variant_of(best, "future"); }) ==
        "m was compiled for future and needs CPU features this machine lacks: flux-capacitor; take another "
        "variant: rnrun info lists them");
  setenv("RNRUN_VARIANT", "poor", 1);
  CHECK(&chosen_variant(best)->descriptor() == &poor);
  CHECK(chosen_variant(best, "good") == best);
  setenv("RNRUN_VARIANT", "z80", 1);
  CHECK(error_of([&] { chosen_variant(best); }) ==
        "RNRUN_VARIANT: m has no variant z80; it has future, good, poor");
  unsetenv("RNRUN_VARIANT");

  good.features = poor.features = "avx1024";
  CHECK(rn_best_variant(&poor) == nullptr);
  CHECK(error_of([&] { best_variant(poor, "m"); }) ==
        "m has no variant for this machine's CPU, which lacks what they need: future needs flux-capacitor; "
        "good needs avx1024; poor needs avx1024; compile it with --target-cpu=native here, or with one more "
        "variant");
}

TEST_CASE("variants that are none of the model are refused") {
  const auto model = Model::load(model_path("linear"));
  rn_model_descriptor good = model->descriptor(), bad = good;
  const rn_model_descriptor* table[] = {&bad, &good};
  good.variants = table;
  good.variant_count = 2;
  const auto message = [&] { return error_of([&] { best_variant(good, "m"); }); };
  bad.magic = 7;
  CHECK(message() == "m is damaged: a variant is none of this model");
  bad = good, bad.graph_hash = 1;
  CHECK(message() == "m is damaged: a variant is none of this model");
  table[0] = nullptr;
  CHECK(message() == "m is damaged: a variant is none of this model");
  for (const int64_t count : {int64_t{-1}, int64_t{1} << 40}) {
    good.variant_count = count;
    CHECK(message() == fmt::format("m is damaged: {} variants", count));
  }
  good.version = 99;
  CHECK(message() == "m has ABI version 99, this rnrun has 11: compile it with the rnc of this release");
}

TEST_CASE("a model is loaded from the end of an executable") {
  const TemporaryDirectory directory;
  const std::string path = directory / "trainer";
  const std::string program = "any program text";
  const std::string library = read_text(model_path("linear"));
  rn_trailer trailer = trailer_of(program, library);
  const auto write = [&] {
    const std::string before = program + library;
    trailer.checksum = contract::trailer_checksum(std::as_bytes(std::span(before)), trailer);
    write_text(path, before + bytes_of(trailer));
  };

  write();
  CHECK(Model::load_carried(path)->name() == "linear");
  trailer.size += 1;
  write();
  CHECK(error_of([&] { Model::load_carried(path); }) ==
        "the model carried by " + path + " is damaged: its trailer does not match the file");
  trailer.offset = ~uint64_t{0} - 100;
  write();
  CHECK(error_of([&] { Model::load_carried(path); }) ==
        "the model carried by " + path + " is damaged: its trailer does not match the file");
  write_text(path, "short");
  CHECK(Model::load_carried(path) == nullptr);
  CHECK(Model::load_carried(model_path("linear")) == nullptr);
}

TEST_CASE("an executable that carries a model and is damaged is refused, wherever the damage is") {
  const TemporaryDirectory directory;
  const std::string path = directory / "trainer";
  const std::string program = read_text(model_path("linear_no_lr"));  // an ELF file, as rnrun is one
  const std::string library = read_text(model_path("linear"));
  const std::string before = program + library;
  const std::string good = before + bytes_of(trailer_of(program, library));
  const auto message = [&](const std::string& bytes) {
    write_text(path, bytes);
    return error_of([&] { Model::load_carried(path); });
  };
  CHECK(message(good).empty());
  const std::string damaged = "the model carried by " + path + " is damaged: ";
  CHECK(message(good.substr(0, good.size() - 1)) == damaged + "its trailer is missing");
  CHECK(message(good.substr(0, program.size() - 1)) == damaged + "its trailer is missing");
  CHECK(message(before) == damaged + "its trailer is missing");
  for (const size_t at : {size_t{100}, program.size() / 2, program.size() + 5, before.size() - 1,
                          before.size() + 3, before.size() + 20, good.size() - 1}) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 4);
    CHECK_MESSAGE(message(bad).starts_with(damaged), at);
  }
}

TEST_CASE("CPU features") {
  CHECK(missing_cpu_features("").empty());
  CHECK(missing_cpu_features("nonsense,+more") == std::vector<std::string>{"nonsense", "more"});
#if defined(__x86_64__)
  CHECK(missing_cpu_features("sse2,+sse,cx8").empty());
  CHECK(missing_cpu_features("avx2").empty() == static_cast<bool>(__builtin_cpu_supports("avx2")));
  CHECK(missing_cpu_features("fma").empty() == static_cast<bool>(__builtin_cpu_supports("fma")));
  CHECK(missing_cpu_features("avx512f").empty() == static_cast<bool>(__builtin_cpu_supports("avx512f")));
  CHECK(missing_cpu_features("avx512bf16").empty() ==
        static_cast<bool>(__builtin_cpu_supports("avx512bf16")));
  CHECK(missing_cpu_features("xop,fma4").size() == (__builtin_cpu_supports("xop") ? 0 : 2));
#endif
}

}  // namespace rnrun
