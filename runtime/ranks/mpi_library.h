// Which MPI has started this process, and the plug-in for it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runtime/ranks/mpi_interface.h"

namespace rnrun {

struct Launch {
  std::string_view mpi;      // "openmpi" or "mpich": its plug-in is librnrun-mpi-<mpi>.so
  std::string_view name;     // "Open MPI"
  std::optional<int> ranks;  // that were started, where the environment says so
};

// By the environment that launchers make: mpirun of Open MPI and `srun --mpi=pmix` for Open MPI; mpirun of MPICH and
// `srun --mpi=pmi2` for MPICH. Nothing: this process was started by itself.
std::optional<Launch> launched_by();

// The plug-in's functions, for as long as the process lives. It is looked for as $RNRUN_MPI, beside the executable, and in
// ../lib/rnc from there. Throws Error when it is not there or does not load.
const rnrun_mpi& mpi_library(const Launch& launch);

}  // namespace rnrun
