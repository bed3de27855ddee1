#include "runtime/contract/checksum.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <memory>
#include <new>

namespace contract {

uint64_t checksum_of(std::span<const std::span<const std::byte>> parts) {
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(),
                                                                              XXH3_freeState);
  if (state == nullptr) throw std::bad_alloc();
  XXH3_64bits_reset(state.get());
  for (const std::span<const std::byte> part : parts)
    XXH3_64bits_update(state.get(), part.data(), part.size());
  return XXH3_64bits_digest(state.get());
}

uint64_t checksum_of(std::initializer_list<std::span<const std::byte>> parts) {
  return checksum_of(std::span(parts.begin(), parts.size()));
}

uint64_t trailer_checksum(std::span<const std::byte> before, const rn_trailer& trailer) {
  return checksum_of({before, std::as_bytes(std::span(&trailer, 1)).first(offsetof(rn_trailer, checksum))});
}

std::string checksum_text(uint64_t checksum) { return fmt::format("{:016x}", checksum); }

}  // namespace contract
