#include "seal/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "pki/descriptor.h"
#include "pki/key_file.h"
#include "seal/key_access.h"
#include "seal/key_lines.h"
#include "seal/secret_text.h"
#include "seal/stream.h"

namespace salus::seal {

namespace {

constexpr std::size_t kMaxKeyBytes = 65'536;
constexpr std::size_t kFirstBytes = 65'536;

// Only what is certain: anything else may be private, and then its mode matters.
bool IsPublicText(std::string_view content) {
  const std::string_view text = Trimmed(content);
  if (text.empty() || IsSecretText(text)) return false;
  if (text.starts_with("-----BEGIN ")) {
    const std::string_view label = text.substr(0, text.find('\n'));
    return label.find("PUBLIC KEY-----") != std::string_view::npos ||
           label.find("CERTIFICATE-----") != std::string_view::npos;
  }
  if (text.starts_with('{')) return text.find("\"kty\"") != std::string_view::npos;
  const auto read = ForEachKeyLine(text, [](std::string_view line) -> Result<void> {
    const bool is_public =
        line.starts_with("age1") || line.starts_with("ssh-") || line.starts_with("p256:");
    return is_public ? Result<void>() : InvalidArgument("no public key");
  });
  return read.has_value();
}

bool IsPublicFile(const std::filesystem::path& path) {
  const pki::Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file.is_open()) return false;
  const Result<SecretBytes> content = ReadWiped(file.get(), kMaxKeyBytes);
  return content && IsPublicText(AsText(content->view(KeyAccess::Token())));
}

// A pipe is named by <(command) in a shell. Nobody else reads what passes through it.
bool IsStream(const struct stat& status) {
  return S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode);
}

}  // namespace

Result<SecretBytes> ReadWiped(int descriptor, std::size_t limit_bytes) {
  const auto token = KeyAccess::Token();
  FileSource source(descriptor);
  SecretBytes content(std::min(kFirstBytes, limit_bytes + 1));
  for (std::size_t size = 0;;) {
    if (size == content.size()) {
      if (size > limit_bytes) {
        const bool is_small = limit_bytes < std::size_t{1} << 20;
        return InvalidArgument("it is larger than " +
                               (is_small ? std::to_string(limit_bytes >> 10) + " KiB"
                                         : std::to_string(limit_bytes >> 20) + " MiB"));
      }
      SecretBytes larger(std::min(2 * size, limit_bytes + 1));
      const ByteSpan old = content.view(token);
      std::copy(old.begin(), old.end(), larger.mutable_view(token).begin());
      content = std::move(larger);
    }
    TRY(const std::size_t got, source.Read(content.mutable_view(token).subspan(size)));
    if (got == 0) return SecretBytes(content.view(token).first(size));
    size += got;
  }
}

Result<SecretBytes> ReadPrivateFile(const std::string& path) {
  if (path == "-") return ReadWiped(STDIN_FILENO, kMaxKeyBytes);
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0 && IsStream(status)) {
    const pki::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open()) return pki::FileError("open the key file", errno);
    if (::fstat(file.get(), &status) != 0 || !IsStream(status)) {
      return Unavailable("the key file changed while it was read: try again");
    }
    return ReadWiped(file.get(), kMaxKeyBytes);
  }
  std::error_code failed;
  const std::filesystem::path resolved = std::filesystem::canonical(path, failed);
  const std::filesystem::path file = failed ? std::filesystem::path(path) : resolved;
  Result<SecretBytes> content = pki::ReadKeyFile(file);
  const bool is_open_to_others = !content && content.error().code == ErrorCode::kFailedPrecondition;
  if (is_open_to_others && IsPublicFile(file)) {
    return InvalidArgument("a public key opens nothing: give the file of the private key");
  }
  return content;
}

}  // namespace salus::seal
