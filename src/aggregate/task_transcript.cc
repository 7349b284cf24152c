#include "aggregate/task_transcript.h"

#include <algorithm>
#include <array>
#include <utility>

#include "aggregate/transcript_item.h"
#include "base/log.h"
#include "codec/cbor.h"

namespace salus::aggregate {

namespace {

using storage::File;

// Place is where an item stands in a file.
struct Place {
  std::uint64_t begin = 0;
  ItemHead head;
  std::uint64_t end() const { return begin + head.head_bytes + head.size; }
};

Result<Place> PlaceAt(const File& file, std::uint64_t offset) {
  std::array<std::uint8_t, kMaxItemHead> head{};
  TRY(const std::size_t read, file.ReadAt(offset, head));
  if (read == 0) return InvalidArgument("is cut off");
  TRY(const ItemHead parsed, ReadItemHead(ByteSpan(head).first(read)));
  if (parsed.size > kMaxExchangeBytes) return InvalidArgument("is too long for an exchange");
  return Place{offset, parsed};
}

Result<TaskExchange> ReadAt(const File& file, const Place& place, std::uint64_t file_bytes) {
  if (file_bytes < place.end()) return InvalidArgument("is cut off");
  Bytes item(place.head.size);
  TRY_VOID(file.ReadExactAt(place.begin + place.head.head_bytes, item));
  return TaskExchange::Parse(item);
}

Error InItem(Error error, std::uint64_t item) {
  return std::move(error).WithContext("item " + std::to_string(item));
}

constexpr std::string_view kFirstItem = "salus task transcript 1";

Bytes FirstItem() {
  Bytes out;
  codec::CborWriter(out).ByteString(AsBytes(kFirstItem));
  return out;
}

Result<bool> HasFirstItem(const File& file) {
  const Bytes wanted = FirstItem();
  Bytes there(wanted.size());
  TRY(const std::size_t read, file.ReadAt(0, there));
  return read == wanted.size() && there == wanted;
}

// Whether power kept a file from being begun: it is no longer than its first item, and holds a part
// of it and zeros.
Result<bool> IsHardlyBegun(const File& file) {
  const Bytes wanted = FirstItem();
  Bytes there(wanted.size() + 1);
  TRY(const std::size_t read, file.ReadAt(0, there));
  if (read > wanted.size()) return false;
  for (std::size_t i = 0; i < read; ++i) {
    if (there[i] != wanted[i] && there[i] != 0) return false;
  }
  return true;
}

// EndOf is behind the last whole exchange. All are read: half a gigabyte a second.
Result<std::uint64_t> EndOf(const File& file, std::uint64_t file_bytes) {
  std::uint64_t offset = FirstItem().size();
  while (offset < file_bytes) {
    const auto place = PlaceAt(file, offset);
    if (!place || !ReadAt(file, *place, file_bytes)) return offset;
    offset = place->end();
  }
  return offset;
}

// KeepTail copies what stands behind offset to a file of its own: a power cut leaves the last
// append in part, and something else may have damaged what was whole. What is left does not say.
Result<void> KeepTail(storage::FileSystem& fs, const std::string& path, const File& file,
                      std::uint64_t offset, std::uint64_t file_bytes) {
  if (file_bytes - offset > kMaxExchangeBytes + kMaxItemHead) {
    return Corruption(path + ": damaged at byte " + std::to_string(offset) +
                      ", and not by a power cut: move it elsewhere, and a new one is begun");
  }
  Bytes tail(file_bytes - offset);
  TRY_VOID(file.ReadExactAt(offset, tail));
  const std::string beside = path + ".torn-" + std::to_string(offset);
  TRY(const bool is_there, fs.Exists(beside));
  if (is_there) TRY_VOID(fs.Remove(beside));
  TRY(const auto kept, fs.Create(beside));
  TRY_VOID(kept->WriteAt(0, tail));
  TRY_VOID(kept->SyncData());
  TRY_VOID(fs.SyncDirectory(storage::DirectoryOf(path)));
  Log(LogLevel::kWarning, "a transcript ended in a part of a message, which was moved beside it",
      {{"bytes", static_cast<std::int64_t>(tail.size())}, {"file", beside}});
  return {};
}

Result<void> Begin(File& file) {
  TRY_VOID(file.Truncate(0));
  TRY_VOID(file.WriteAt(0, FirstItem()));
  return file.SyncData();
}

}  // namespace

Result<std::optional<TaskExchange>> TaskTranscriptReader::Next() {
  TRY(const std::uint64_t file_bytes, file_.Size());
  if (offset_ == 0) {
    TRY(const bool is_transcript, HasFirstItem(file_));
    if (!is_transcript) return InvalidArgument("this is no transcript of a task");
    offset_ = FirstItem().size();
  }
  if (offset_ == file_bytes) return std::optional<TaskExchange>();
  ++item_;
  const auto place = PlaceAt(file_, offset_);
  if (!place) return InItem(place.error(), item_);
  auto exchange = ReadAt(file_, *place, file_bytes);
  if (!exchange) return InItem(exchange.error(), item_);
  offset_ = place->end();
  return std::optional(*std::move(exchange));
}

Result<std::unique_ptr<TaskTranscript>> TaskTranscript::Open(storage::FileSystem& fs,
                                                             const std::string& path) {
  TRY(const bool exists, fs.Exists(path));
  if (!exists) {
    TRY(auto file, fs.Create(path));
    TRY_VOID(Begin(*file));
    TRY_VOID(fs.SyncDirectory(storage::DirectoryOf(path)));
    return std::unique_ptr<TaskTranscript>(new TaskTranscript(std::move(file), FirstItem().size()));
  }
  TRY(auto file, fs.OpenExisting(path, storage::FileAccess::kReadWrite));
  TRY(const bool is_transcript, HasFirstItem(*file));
  if (!is_transcript) {
    TRY(const bool is_hardly_begun, IsHardlyBegun(*file));
    if (!is_hardly_begun) {
      return AlreadyExists(path + " is no transcript of a task: it is not written over");
    }
    TRY_VOID(Begin(*file));
  }
  TRY(const std::uint64_t file_bytes, file->Size());
  TRY(const std::uint64_t end, EndOf(*file, file_bytes));
  if (end < file_bytes) {
    TRY_VOID(KeepTail(fs, path, *file, end, file_bytes));
    TRY_VOID(file->Truncate(end));
  }
  return std::unique_ptr<TaskTranscript>(new TaskTranscript(std::move(file), end));
}

Result<void> TaskTranscript::Append(const TaskExchange& exchange) {
  const Bytes content = exchange.Encode();
  if (content.size() > kMaxExchangeBytes) return InvalidArgument("the exchange is too long");
  Bytes item;
  item.reserve(content.size() + kMaxItemHead);
  codec::CborWriter(item).ByteString(content);
  const std::lock_guard lock(mutex_);
  if (is_broken_) return FailedPrecondition("the transcript was not written whole: open it anew");
  auto written = file_->WriteAt(size_, item);
  if (written) written = file_->SyncData();
  if (!written) {
    is_broken_ = !file_->Truncate(size_).has_value();
    return written;
  }
  size_ += item.size();
  return {};
}

}  // namespace salus::aggregate
