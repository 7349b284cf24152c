#include "pki/key_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "pki/descriptor.h"
#include "pki/directory_files.h"
#include "pki/key_access.h"

namespace salus::pki {
namespace {

constexpr std::size_t kMaxKeyFileBytes = 65'536;

Result<std::size_t> CheckKeyFile(int descriptor) {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) return FileError("inspect the key file", errno);
  if (!S_ISREG(status.st_mode)) return FailedPrecondition("the key file is not a regular file");
  if (status.st_uid != ::geteuid()) {
    return FailedPrecondition("the key file belongs to another user: chown it to yourself");
  }
  const mode_t mode = status.st_mode & 07777;
  if (mode != 0600 && mode != 0400) {
    return FailedPrecondition(
        "the key file must have mode 0600, so that nobody else can read it: chmod 600 it, and "
        "replace the key if others may have read it");
  }
  if (status.st_size <= 0) return InvalidArgument("the key file is empty");
  if (static_cast<std::size_t>(status.st_size) > kMaxKeyFileBytes) {
    return InvalidArgument("the key file is larger than 64 KiB");
  }
  return static_cast<std::size_t>(status.st_size);
}

}  // namespace

Result<void> WriteKeyFile(const std::filesystem::path& path, const SecretBytes& content) {
  if (content.empty() || content.size() > kMaxKeyFileBytes) {
    return InvalidArgument("a key file holds 1 byte to 64 KiB");
  }
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.is_open()) {
    if (errno == EEXIST) {
      return AlreadyExists("the key file exists: keys are never overwritten");
    }
    return FileError("create the key file", errno);
  }
  // The umask may have taken bits away.
  Result<void> outcome = ::fchmod(file.get(), 0600) == 0
                             ? WriteAndSync(file.get(), KeyAccess::View(content))
                             : Result<void>(FileError("set the key file's mode", errno));
  if (outcome.has_value()) outcome = SyncDirectory(path.parent_path());
  if (!outcome.has_value()) ::unlink(path.c_str());
  return outcome;
}

Result<SecretBytes> ReadKeyFile(const std::filesystem::path& path) {
  // O_NONBLOCK: a named pipe in place of the file must not hang the program.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.is_open()) {
    if (errno == ELOOP) return FailedPrecondition("the key file is a symbolic link");
    return FileError("open the key file", errno);
  }
  TRY(std::size_t size, CheckKeyFile(file.get()));
  SecretBytes content(size);
  MutableByteSpan rest = KeyAccess::MutableView(content);
  while (!rest.empty()) {
    ssize_t n = ::read(file.get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError("read the key file", errno);
    if (n == 0) return Unavailable("the key file changed while it was read: try again");
    rest = rest.subspan(static_cast<std::size_t>(n));
  }
  return content;
}

Result<void> WritePrivateKeyFile(const std::filesystem::path& path, const crypto::PrivateKey& key,
                                 const SecretBytes* passphrase) {
  TRY(SecretBytes pem, crypto::EncodePrivateKeyPem(key, passphrase));
  return WriteKeyFile(path, pem);
}

Result<crypto::PrivateKey> ReadPrivateKeyFile(const std::filesystem::path& path,
                                              const SecretBytes* passphrase) {
  TRY(SecretBytes pem, ReadKeyFile(path));
  return crypto::DecodePrivateKeyPem(KeyAccess::View(pem), passphrase);
}

}  // namespace salus::pki
