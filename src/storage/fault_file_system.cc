#include "storage/fault_file_system.h"

#include <utility>

namespace salus::storage {
namespace {

Error DeadError() { return Unavailable("the process was killed here"); }

}  // namespace

class FaultFile : public File {
 public:
  FaultFile(FaultFileSystem& fs, std::unique_ptr<File> base) : fs_(fs), base_(std::move(base)) {}

  Result<std::size_t> ReadAt(std::uint64_t offset, MutableByteSpan out) const override {
    return fs_.Run<std::size_t>(FileOperation::kRead, [&] { return base_->ReadAt(offset, out); });
  }
  Result<void> WriteAtV(std::uint64_t offset, std::span<const ByteSpan> parts) override {
    FaultFileSystem::Decision decision = fs_.Decide(FileOperation::kWrite);
    if (decision.verdict == FaultFileSystem::Verdict::kFail) return std::move(decision.error);
    if (decision.verdict == FaultFileSystem::Verdict::kHalf) {
      TRY_VOID(WriteHalf(offset, parts));
      return std::move(decision.error);
    }
    Result<void> result = base_->WriteAtV(offset, parts);
    if (decision.verdict == FaultFileSystem::Verdict::kPassThenDie) return DeadError();
    return result;
  }
  Result<void> SyncData() override {
    Result<void> result = fs_.Run<void>(FileOperation::kSync, [&] { return base_->SyncData(); });
    if (!result) fs_.Die();
    return result;
  }
  Result<std::uint64_t> Size() const override {
    return fs_.Run<std::uint64_t>(FileOperation::kSize, [&] { return base_->Size(); });
  }
  Result<void> Allocate(std::uint64_t offset, std::uint64_t length) override {
    return fs_.Run<void>(FileOperation::kAllocate, [&] { return base_->Allocate(offset, length); });
  }
  Result<void> Truncate(std::uint64_t size) override {
    return fs_.Run<void>(FileOperation::kTruncate, [&] { return base_->Truncate(size); });
  }

 private:
  Result<void> WriteHalf(std::uint64_t offset, std::span<const ByteSpan> parts) {
    std::uint64_t left = 0;
    for (const ByteSpan part : parts) left += part.size();
    left /= 2;
    for (const ByteSpan part : parts) {
      const std::size_t n = std::min<std::uint64_t>(left, part.size());
      TRY_VOID(base_->WriteAt(offset, part.first(n)));
      offset += n;
      left -= n;
    }
    return {};
  }

  FaultFileSystem& fs_;
  const std::unique_ptr<File> base_;
};

FaultFileSystem::FaultFileSystem(FileSystem& base) : base_(base) {}
FaultFileSystem::~FaultFileSystem() = default;

FaultFileSystem::Decision FaultFileSystem::Decide(FileOperation operation) {
  const std::lock_guard lock(mutex_);
  if (dead_) return {Verdict::kFail, DeadError()};
  const std::uint64_t of_kind = ++calls_[static_cast<std::size_t>(operation)];
  const std::uint64_t of_all = ++all_calls_;
  if (observer_) observer_(operation, of_all);
  if (!fault_ || (fault_->operation && *fault_->operation != operation)) {
    return {Verdict::kPass, DeadError()};
  }
  const std::uint64_t call = fault_->operation ? of_kind : of_all;
  if (call != fault_->at_call && !(fault_->persistent && call > fault_->at_call)) {
    return {Verdict::kPass, DeadError()};
  }
  fired_ = true;
  switch (fault_->kind) {
    case FaultKind::kIoError:
      return {Verdict::kFail, Unavailable("injected: input/output error")};
    case FaultKind::kNoSpace:
      return {Verdict::kFail, ResourceExhausted("injected: no space left")};
    case FaultKind::kShortWrite:
      return {operation == FileOperation::kWrite ? Verdict::kHalf : Verdict::kFail,
              ResourceExhausted("injected: no space left after half the bytes")};
    case FaultKind::kKillBefore:
      dead_ = true;
      return {Verdict::kFail, DeadError()};
    case FaultKind::kKillDuring:
      dead_ = true;
      return {operation == FileOperation::kWrite ? Verdict::kHalf : Verdict::kFail, DeadError()};
    case FaultKind::kKillAfter:
      dead_ = true;
      return {Verdict::kPassThenDie, DeadError()};
  }
  return {Verdict::kPass, DeadError()};
}

void FaultFileSystem::Die() {
  const std::lock_guard lock(mutex_);
  dead_ = true;
}

template <typename T, typename Call>
Result<T> FaultFileSystem::Run(FileOperation operation, Call call) {
  Decision decision = Decide(operation);
  if (decision.verdict == Verdict::kFail || decision.verdict == Verdict::kHalf) {
    return std::move(decision.error);
  }
  Result<T> result = call();
  if (decision.verdict == Verdict::kPassThenDie) return DeadError();
  return result;
}

Result<std::unique_ptr<File>> FaultFileSystem::OpenExisting(const std::string& path,
                                                            FileAccess access) {
  TRY(auto file, Run<std::unique_ptr<File>>(FileOperation::kOpen,
                                            [&] { return base_.OpenExisting(path, access); }));
  return std::make_unique<FaultFile>(*this, std::move(file));
}

Result<std::unique_ptr<File>> FaultFileSystem::Create(const std::string& path) {
  TRY(auto file,
      Run<std::unique_ptr<File>>(FileOperation::kCreate, [&] { return base_.Create(path); }));
  return std::make_unique<FaultFile>(*this, std::move(file));
}

Result<void> FaultFileSystem::Rename(const std::string& from, const std::string& to) {
  return Run<void>(FileOperation::kRename, [&] { return base_.Rename(from, to); });
}

Result<void> FaultFileSystem::Remove(const std::string& path) {
  return Run<void>(FileOperation::kRemove, [&] { return base_.Remove(path); });
}

Result<std::vector<std::string>> FaultFileSystem::List(const std::string& directory) {
  return Run<std::vector<std::string>>(FileOperation::kList, [&] { return base_.List(directory); });
}

Result<void> FaultFileSystem::MakeDirectory(const std::string& path) {
  return Run<void>(FileOperation::kMakeDirectory, [&] { return base_.MakeDirectory(path); });
}

Result<void> FaultFileSystem::SyncDirectory(const std::string& path) {
  Result<void> result =
      Run<void>(FileOperation::kSyncDirectory, [&] { return base_.SyncDirectory(path); });
  if (!result) Die();
  return result;
}

Result<bool> FaultFileSystem::Exists(const std::string& path) {
  return Run<bool>(FileOperation::kExists, [&] { return base_.Exists(path); });
}

Result<std::unique_ptr<FileLock>> FaultFileSystem::LockFile(const std::string& path) {
  return Run<std::unique_ptr<FileLock>>(FileOperation::kLock, [&] { return base_.LockFile(path); });
}

Result<std::uint64_t> FaultFileSystem::FreeBytes(const std::string& path) {
  return Run<std::uint64_t>(FileOperation::kFreeBytes, [&] { return base_.FreeBytes(path); });
}

void FaultFileSystem::Inject(const Fault& fault) {
  Heal();
  const std::lock_guard lock(mutex_);
  fault_ = fault;
}

void FaultFileSystem::Heal() {
  const std::lock_guard lock(mutex_);
  fault_.reset();
  calls_.fill(0);
  all_calls_ = 0;
  fired_ = false;
  dead_ = false;
}

std::uint64_t FaultFileSystem::calls() const {
  const std::lock_guard lock(mutex_);
  return all_calls_;
}

std::uint64_t FaultFileSystem::calls(FileOperation operation) const {
  const std::lock_guard lock(mutex_);
  return calls_[static_cast<std::size_t>(operation)];
}

bool FaultFileSystem::fired() const {
  const std::lock_guard lock(mutex_);
  return fired_;
}

bool FaultFileSystem::dead() const {
  const std::lock_guard lock(mutex_);
  return dead_;
}

void FaultFileSystem::OnCall(std::function<void(FileOperation, std::uint64_t)> observer) {
  const std::lock_guard lock(mutex_);
  observer_ = std::move(observer);
}

}  // namespace salus::storage
