#include "aggregate/task_transcript.h"

#include <algorithm>
#include <array>
#include <utility>

#include "aggregate/transcript_item.h"
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

// A power cut damages the last append only, in whatever way: some of its bytes are there, and some
// are not. So what is followed by a whole item was damaged by something else.
Result<bool> IsLastAppend(const File& file, std::uint64_t offset, std::uint64_t file_bytes) {
  const std::uint64_t left = file_bytes - offset;
  if (left > kMaxExchangeBytes + kMaxItemHead) return false;
  Bytes tail(left);
  TRY_VOID(file.ReadExactAt(offset, tail));
  for (std::size_t begin = 1; begin < tail.size(); ++begin) {
    const ByteSpan rest = ByteSpan(tail).subspan(begin);
    const auto head = ReadItemHead(rest);
    if (!head || rest.size() - head->head_bytes < head->size) continue;
    if (TaskExchange::Parse(rest.subspan(head->head_bytes, head->size))) return false;
  }
  return true;
}

// EndOf is where the next exchange goes. All are read: half a gigabyte a second.
Result<std::uint64_t> EndOf(const File& file) {
  TRY(const std::uint64_t file_bytes, file.Size());
  std::uint64_t offset = 0;
  for (std::uint64_t item = 1; offset < file_bytes; ++item) {
    const auto place = PlaceAt(file, offset);
    if (!place || !ReadAt(file, *place, file_bytes)) {
      TRY(const bool is_torn, IsLastAppend(file, offset, file_bytes));
      if (is_torn) return offset;
      return Corruption("item " + std::to_string(item) +
                        " is damaged, and not by a power cut: move the transcript elsewhere, and "
                        "a new one is begun");
    }
    offset = place->end();
  }
  return offset;
}

}  // namespace

Result<std::optional<TaskExchange>> TaskTranscriptReader::Next() {
  TRY(const std::uint64_t file_bytes, file_.Size());
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
    TRY_VOID(fs.SyncDirectory(storage::DirectoryOf(path)));
    return std::unique_ptr<TaskTranscript>(new TaskTranscript(std::move(file), 0));
  }
  TRY(auto file, fs.OpenExisting(path, storage::FileAccess::kReadWrite));
  const auto end = EndOf(*file);
  if (!end) return Error(end.error()).WithContext(path);
  TRY_VOID(file->Truncate(*end));
  return std::unique_ptr<TaskTranscript>(new TaskTranscript(std::move(file), *end));
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
