#include "seal/archive_reader.h"

#include <sys/stat.h>

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/c_handle.h"
#include "seal/archive_library.h"
#include "seal/archive_path.h"
#include "seal/fresh_folder.h"

namespace salus::seal {

namespace {

void FreeReader(archive* reader) { Libarchive().archive_read_free(reader); }
using ArchiveHandle = CHandle<archive, FreeReader>;

constexpr std::size_t kBlockBytes = 64 * 1024;

FreshFolder::Attributes AttributesOf(archive_entry* entry) {
  timespec modified{};
  if (Libarchive().archive_entry_mtime_is_set(entry) != 0) {
    modified = {Libarchive().archive_entry_mtime(entry),
                Libarchive().archive_entry_mtime_nsec(entry)};
  }
  return {Libarchive().archive_entry_perm(entry), modified};
}

std::string_view NameOf(const char* text) { return text == nullptr ? "" : text; }

// One Unpack.
class Unpacking {
 public:
  Unpacking(ByteSource& source, FreshFolder& folder)
      : source_(source), folder_(folder), block_(kBlockBytes) {}

  Result<void> Run();
  std::uint64_t entry_count() const { return entry_count_; }

 private:
  static la_ssize_t ReadIn(archive* /*unused*/, void* self, const void** out);
  Result<void> Open();
  Result<bool> Next();
  Result<void> Entry();
  Result<ArchivePath> PathBelowRoot(std::string_view text);
  Result<void> Root();
  Result<void> File(const ArchivePath& path);
  Result<void> Copy(FreshFolder::NewFile& file);
  Result<void> Drain();
  Error Malformed() const;

  ByteSource& source_;
  FreshFolder& folder_;
  Bytes block_;
  std::optional<Error> failure_;  // of source_
  archive_entry* entry_ = nullptr;
  std::optional<ArchivePath> root_;
  std::uint64_t entry_count_ = 0;
  ArchiveHandle archive_;
};

la_ssize_t Unpacking::ReadIn(archive* /*unused*/, void* self, const void** out) {
  auto& unpacking = *static_cast<Unpacking*>(self);
  *out = unpacking.block_.data();
  if (unpacking.failure_.has_value()) return -1;
  Result<std::size_t> read = unpacking.source_.Read(unpacking.block_);
  if (read.has_value()) return static_cast<la_ssize_t>(*read);
  unpacking.failure_ = std::move(read).error();
  return -1;
}

Error Unpacking::Malformed() const {
  if (failure_.has_value()) return *failure_;
  return InvalidArgument("the archive is malformed: unpack it with tar to see what can be saved");
}

Result<void> Unpacking::Open() {
  archive_.reset(Libarchive().archive_read_new());
  if (!archive_) return ResourceExhausted("no memory for an archive");
  if (Libarchive().archive_read_support_format_tar(archive_.get()) != ARCHIVE_OK) {
    return Internal("libarchive reads no tar");
  }
  if (Libarchive().archive_read_open(archive_.get(), this, nullptr, ReadIn, nullptr) !=
      ARCHIVE_OK) {
    return Malformed();
  }
  return {};
}

Result<bool> Unpacking::Next() {
  const int outcome = Libarchive().archive_read_next_header(archive_.get(), &entry_);
  if (outcome == ARCHIVE_EOF) return false;
  // A warning is about an attribute or a name that is no UTF-8; names are checked here anyway.
  if (outcome != ARCHIVE_OK && outcome != ARCHIVE_WARN) return Malformed();
  if (entry_count_ == kMaxArchiveEntries) {
    return InvalidArgument("the archive holds more than a million entries");
  }
  ++entry_count_;
  return true;
}

Result<void> Unpacking::Root() {
  TRY(ArchivePath path, ParseArchivePath(NameOf(Libarchive().archive_entry_pathname(entry_))));
  if (Libarchive().archive_entry_filetype(entry_) != AE_IFDIR || path.size() > 1) {
    return InvalidArgument("it should be the folder that all others lie in, and is not");
  }
  root_ = std::move(path);
  return folder_.MakeFolder({}, AttributesOf(entry_));
}

Result<ArchivePath> Unpacking::PathBelowRoot(std::string_view text) {
  TRY(ArchivePath path, ParseArchivePath(text));
  if (path.size() <= root_->size() || !std::equal(root_->begin(), root_->end(), path.begin())) {
    return InvalidArgument("its path is not in the archive's folder, or stands there twice");
  }
  path.erase(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(root_->size()));
  return path;
}

Result<void> Unpacking::Entry() {
  if (!root_.has_value()) return Root();
  TRY(const ArchivePath path, PathBelowRoot(NameOf(Libarchive().archive_entry_pathname(entry_))));
  if (const char* linked = Libarchive().archive_entry_hardlink(entry_); linked != nullptr) {
    auto file = PathBelowRoot(linked);
    if (!file.has_value()) {
      return InvalidArgument("a hard link out of the folder: " + file.error().message);
    }
    return folder_.MakeHardLink(path, *file);
  }
  switch (Libarchive().archive_entry_filetype(entry_)) {
    case AE_IFREG:
      return File(path);
    case AE_IFDIR:
      return folder_.MakeFolder(path, AttributesOf(entry_));
    case AE_IFLNK:
      return folder_.MakeLink(path, std::string(NameOf(Libarchive().archive_entry_symlink(entry_))),
                              AttributesOf(entry_).modified);
    case AE_IFCHR:
    case AE_IFBLK:
      return InvalidArgument("a device");
    case AE_IFIFO:
      return InvalidArgument("a named pipe");
    case AE_IFSOCK:
      return InvalidArgument("a socket");
    default:
      return InvalidArgument("neither file, folder nor link");
  }
}

Result<void> Unpacking::File(const ArchivePath& path) {
  TRY(const auto file, folder_.MakeFile(path));
  TRY_VOID(Copy(*file));
  return folder_.FinishFile(*file, AttributesOf(entry_));
}

// Each block must follow the one before: a hole between them could make terabytes of a few bytes.
Result<void> Unpacking::Copy(FreshFolder::NewFile& file) {
  la_int64_t size = 0;
  for (;;) {
    const void* bytes = nullptr;
    std::size_t count = 0;
    la_int64_t offset = 0;
    const int outcome =
        Libarchive().archive_read_data_block(archive_.get(), &bytes, &count, &offset);
    if (outcome != ARCHIVE_OK && outcome != ARCHIVE_EOF && outcome != ARCHIVE_WARN) {
      return Malformed();
    }
    if (outcome == ARCHIVE_EOF) break;
    if (offset != size) return InvalidArgument("a sparse file: pack it without --sparse");
    TRY_VOID(file.Write({static_cast<const std::uint8_t*>(bytes), count}));
    size += static_cast<la_int64_t>(count);
  }
  if (size != Libarchive().archive_entry_size(entry_)) {
    return InvalidArgument("a sparse file, or one that is cut off");
  }
  return {};
}

// What stands after the archive's end is no part of it, but must be authentic too.
Result<void> Unpacking::Drain() {
  for (;;) {
    TRY(const std::size_t size, source_.Read(block_));
    if (size == 0) return {};
  }
}

Result<void> Unpacking::Run() {
  TRY_VOID(Open());
  for (;;) {
    TRY(const bool is_there, Next());
    if (!is_there) break;
    auto made = Entry();
    if (made.has_value()) continue;
    if (failure_.has_value()) return *failure_;
    return std::move(made).error().WithContext(
        fmt::format("entry {} of the archive", entry_count_));
  }
  if (!root_.has_value()) return InvalidArgument("the archive is empty");
  return Drain();
}

}  // namespace

ArchiveReader::ArchiveReader(std::unique_ptr<FreshFolder> folder) : folder_(std::move(folder)) {}
ArchiveReader::~ArchiveReader() = default;

Result<std::unique_ptr<ArchiveReader>> ArchiveReader::Create(const std::string& target) {
  TRY_VOID(LoadArchiveLibrary());
  TRY(auto folder, FreshFolder::Create(target));
  return std::unique_ptr<ArchiveReader>(new ArchiveReader(std::move(folder)));
}

Result<void> ArchiveReader::Unpack(ByteSource& source) {
  const Utf8Locale locale;
  Unpacking unpacking(source, *folder_);
  TRY_VOID(unpacking.Run());
  entry_count_ = unpacking.entry_count();
  return {};
}

Result<void> ArchiveReader::Commit(OutputFile::Durability durability) {
  return folder_->Commit(durability);
}

}  // namespace salus::seal
