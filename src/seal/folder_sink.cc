#include "seal/folder_sink.h"

#include <algorithm>
#include <utility>

namespace salus::seal {

FolderSink::FolderSink(std::unique_ptr<ArchiveReader> reader)
    : reader_(std::move(reader)), source_(*this), thread_([this] { Serve(); }) {}

FolderSink::~FolderSink() { Close(End::kAbandoned); }

Result<std::unique_ptr<FolderSink>> FolderSink::Create(const std::string& target) {
  TRY(auto reader, ArchiveReader::Create(target));
  return std::unique_ptr<FolderSink>(new FolderSink(std::move(reader)));
}

void FolderSink::Serve() {
  Result<void> outcome = reader_->Unpack(source_);
  const std::lock_guard lock(mutex_);
  outcome_ = std::move(outcome);
  changed_.notify_all();
}

Result<std::size_t> FolderSink::Take(MutableByteSpan out) {
  std::unique_lock lock(mutex_);
  std::size_t size = 0;
  while (size < out.size()) {
    changed_.wait(lock, [&] { return !pending_.empty() || end_ != End::kOpen; });
    if (pending_.empty()) break;
    const std::size_t part = std::min(out.size() - size, pending_.size());
    std::copy_n(pending_.begin(), part, out.begin() + static_cast<std::ptrdiff_t>(size));
    pending_ = pending_.subspan(part);
    size += part;
    if (pending_.empty()) changed_.notify_all();
  }
  if (end_ == End::kAbandoned) return Unavailable("the archive ended before it was whole");
  return size;
}

Result<void> FolderSink::Write(ByteSpan bytes) {
  std::unique_lock lock(mutex_);
  pending_ = bytes;
  changed_.notify_all();
  changed_.wait(lock, [&] { return pending_.empty() || outcome_.has_value(); });
  pending_ = {};
  if (!outcome_.has_value()) return {};
  // Unpack reads to the end: while there is no end yet, it has failed.
  return outcome_->error();
}

void FolderSink::Close(End end) {
  {
    const std::lock_guard lock(mutex_);
    end_ = end;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

Result<void> FolderSink::Finish(OutputFile::Durability durability) {
  Close(End::kWhole);
  TRY_VOID(*std::move(outcome_));
  return reader_->Commit(durability);
}

}  // namespace salus::seal
