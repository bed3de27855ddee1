#include "runtime/ranks/communicator.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <numeric>

#include "runtime/ranks/job.h"
#include "runtime/ranks/mpi_library.h"

namespace rnrun {

namespace {

constexpr int64_t kBlock = Communicator::kBlock;
static_assert(kBlock == RNRUN_MPI_BLOCK);

int64_t blocks_of(int64_t bytes) { return (bytes + kBlock - 1) / kBlock; }

std::vector<int> places_of(std::span<const int> blocks) {
  std::vector<int> places(blocks.size());
  std::exclusive_scan(blocks.begin(), blocks.end(), places.begin(), 0);
  return places;
}

}  // namespace

Communicator Communicator::start(double timeout) {
  Communicator c;
  const auto launch = launched_by();
  if (!launch) return c;
  c.launched_ = true;
  if (launch->ranks == 1) return c;
  c.job_ = std::make_shared<Job>(mpi_library(*launch), timeout);
  if (launch->ranks && *launch->ranks != c.size())
    throw Error(
        fmt::format("{} has started {} ranks, and sees {}: it is another installation of it than rnrun was "
                    "built with",
                    launch->name, *launch->ranks, c.size()));
  return c;
}

int Communicator::rank() const { return job_ == nullptr ? 0 : job_->rank(); }
int Communicator::size() const { return job_ == nullptr ? 1 : job_->size(); }
double Communicator::waited() const { return job_ == nullptr ? 0 : job_->waited(); }

void Communicator::gather(std::span<std::byte> all, std::span<const int> blocks) const {
  if (job_ == nullptr) return;
  const std::vector<int> places = places_of(blocks);
  job_->wait(job_->mpi().gather(job_->context(), all.data(), blocks.data(), places.data()));
}

void Communicator::swap(const Memory& out, std::span<const int> blocks_out, Memory& in,
                        std::span<const int> blocks_in) const {
  if (job_ == nullptr) return;
  const std::vector<int> from = places_of(blocks_out), to = places_of(blocks_in);
  job_->wait(job_->mpi().swap(job_->context(), out.data(), blocks_out.data(), from.data(), in.data(),
                              blocks_in.data(), to.data()));
}

std::vector<std::string> Communicator::exchange(std::string_view mine) const {
  if (job_ == nullptr) return {std::string(mine)};
  const auto ranks = static_cast<size_t>(size());
  const auto own = static_cast<size_t>(rank());
  AlignedBytes sizes(ranks * kBlock);
  const auto size_at = [&](size_t r) {
    int64_t size = 0;
    std::memcpy(&size, sizes.data() + r * kBlock, sizeof size);
    return size;
  };
  const auto length = static_cast<int64_t>(mine.size());
  std::memcpy(sizes.data() + own * kBlock, &length, sizeof length);
  gather(sizes, std::vector<int>(ranks, 1));

  std::vector<int> blocks;
  for (size_t r = 0; r < ranks; ++r) blocks.push_back(static_cast<int>(blocks_of(size_at(r))));
  const std::vector<int> places = places_of(blocks);
  AlignedBytes all(static_cast<size_t>(places.back() + blocks.back()) * kBlock);
  const auto at = [&](size_t r) { return all.data() + static_cast<int64_t>(places[r]) * kBlock; };
  std::memcpy(at(own), mine.data(), mine.size());
  gather(all, blocks);
  std::vector<std::string> result;
  for (size_t r = 0; r < ranks; ++r)
    result.emplace_back(reinterpret_cast<const char*>(at(r)), static_cast<size_t>(size_at(r)));
  return result;
}

void Communicator::broadcast(std::string& bytes) const {
  if (job_ == nullptr) return;
  std::array<int64_t, kBlock / sizeof(int64_t)> size{static_cast<int64_t>(bytes.size())};
  job_->wait(job_->mpi().broadcast(job_->context(), size.data(), 1));
  bytes.resize(static_cast<size_t>(blocks_of(size[0]) * kBlock));
  job_->wait(job_->mpi().broadcast(job_->context(), bytes.data(), static_cast<int>(blocks_of(size[0]))));
  bytes.resize(static_cast<size_t>(size[0]));
}

void Communicator::fail(const Error& error) const { job_->fail(error); }

void Communicator::finish() const {
  if (job_ == nullptr) return;
  exchange("");
  job_->finish();
}

}  // namespace rnrun
