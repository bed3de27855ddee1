#include "compiler/emit/repeated_loads.h"

namespace rnc {

void RepeatedLoads::at_boundary() {
  block_ = b_.GetInsertBlock();
  after_ = block_->empty() ? nullptr : &block_->back();
  boundary_ = count_;
}

void RepeatedLoads::about_to_load(const void* memory, const Affine& offset, int lanes) {
  std::vector<int64_t> key{reinterpret_cast<int64_t>(memory), lanes, offset.constant};
  for (const Affine::Term& term : offset.terms) {
    key.push_back(term.atom.order);
    key.push_back(term.coefficient);
  }
  const auto [before, is_new] = seen_.emplace(std::move(key), count_);
  const int number = count_++;
  if (is_new) return;
  const bool far = number - before->second >= distance_ && before->second < boundary_;
  before->second = number;
  if (!far) return;
  const bool inside = after_ && !llvm::isa<llvm::PHINode>(after_);
  llvm::IRBuilder<> at(block_, inside ? std::next(after_->getIterator()) : block_->getFirstInsertionPt());
  at.CreateFence(llvm::AtomicOrdering::Acquire, llvm::SyncScope::SingleThread);
  std::erase_if(seen_, [&](const auto& load) { return load.second < boundary_; });
}

}  // namespace rnc
