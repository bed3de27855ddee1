#include "runtime/ranks/mpi_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "runtime/support/error.h"

namespace rnrun {

namespace {

namespace fs = std::filesystem;

std::optional<int> number_in(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  const std::string_view digits(text);
  int value = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), value);
  return error == std::errc() && end == digits.end() && value > 0 ? std::optional(value) : std::nullopt;
}

// Where the plug-in may be, in the order in which it is looked for.
std::vector<fs::path> places_of(const Launch& launch) {
  if (const char* given = std::getenv("RNRUN_MPI")) return {given};
  const std::string file = fmt::format("librnrun-mpi-{}.so", launch.mpi);
  std::error_code error;
  const fs::path directory = fs::read_symlink("/proc/self/exe", error).parent_path();
  return {directory / file, directory.parent_path() / "lib" / "rnc" / file};
}

}  // namespace

std::optional<Launch> launched_by() {
  if (const auto ranks = number_in("OMPI_COMM_WORLD_SIZE")) return Launch{"openmpi", "Open MPI", ranks};
  if (std::getenv("PMIX_RANK") != nullptr) return Launch{"openmpi", "Open MPI", std::nullopt};
  if (const auto ranks = number_in("PMI_SIZE")) return Launch{"mpich", "MPICH", ranks};
  return std::nullopt;
}

const rnrun_mpi& mpi_library(const Launch& launch) {
  const std::vector<fs::path> places = places_of(launch);
  for (const fs::path& place : places) {
    std::error_code error;
    if (!fs::exists(place, error)) continue;
    // Its symbols are for all: the parts that Open MPI loads itself look for them.
    void* library = dlopen(place.c_str(), RTLD_NOW | RTLD_GLOBAL);
    if (library == nullptr) throw Error(fmt::format("cannot load {}: {}", place.string(), dlerror()));
    const auto* functions = static_cast<const rnrun_mpi*>(dlsym(library, RNRUN_MPI_SYMBOL));
    if (functions == nullptr || functions->version != RNRUN_MPI_VERSION)
      throw Error(fmt::format("{} is not of this version of rnrun", place.string()));
    return *functions;
  }
  std::string tried;
  for (const fs::path& place : places) tried += (tried.empty() ? "" : " and no ") + place.string();
  throw Error(fmt::format(
      "started by {}, but there is no {}: rnrun was built without {}, or its plug-in is elsewhere; "
      "the environment variable RNRUN_MPI names it",
      launch.name, tried, launch.name));
}

}  // namespace rnrun
