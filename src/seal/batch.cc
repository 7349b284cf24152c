#include "seal/batch.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <thread>
#include <unordered_map>
#include <utility>

#include "pki/descriptor.h"

namespace salus::seal {

namespace {

constexpr std::string_view kEnding = ".age";

// The last name of a path; "dir/" is called dir.
std::string FileName(const std::string& path) {
  std::filesystem::path parts = path;
  if (!parts.has_filename()) parts = parts.parent_path();
  const std::string name = parts.filename().string();
  return name == "." || name == ".." || name == "/" ? std::string() : name;
}

}  // namespace

Result<Batch> Batch::Plan(const std::vector<std::string>& inputs, const std::string& folder,
                          const NameOf& name_of) {
  Batch batch;
  batch.folder_ = folder;
  batch.files_.reserve(inputs.size());
  std::unordered_map<std::string, std::size_t> taken;
  for (const std::string& input : inputs) {
    const std::string name = FileName(input);
    if (name.empty() || input == "-") {
      return InvalidArgument(input + " has no file name that its output could be called after");
    }
    TRY(const std::string output, name_of(name));
    const auto [other, is_new] = taken.emplace(output, batch.files_.size());
    if (!is_new) {
      return InvalidArgument(batch.files_[other->second].input + " and " + input +
                             " would both be written to " + output + ": seal them apart");
    }
    batch.files_.push_back({input, std::filesystem::path(folder) / output});
  }
  return batch;
}

Result<std::vector<std::optional<Error>>> Batch::Run(unsigned threads, const Work& work) const {
  std::vector<std::optional<Error>> errors(files_.size());
  std::atomic<std::size_t> next = 0;
  const auto serve = [&] {
    for (;;) {
      const std::size_t at = next.fetch_add(1);
      if (at >= files_.size()) return;
      Result<void> done = work(files_[at]);
      if (!done.has_value()) errors[at] = std::move(done).error();
    }
  };
  {
    std::vector<std::jthread> more;
    const std::size_t count = std::min<std::size_t>(threads, files_.size());
    for (std::size_t i = 1; i < count; ++i) more.emplace_back(serve);
    serve();
  }
  const pki::Descriptor folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open() || ::syncfs(folder.get()) != 0) {
    return pki::FileError("sync the folder " + folder_, errno);
  }
  return errors;
}

Result<std::string> SealedName(const std::string& name) { return name + std::string(kEnding); }

Result<std::string> OpenedName(const std::string& name) {
  if (!name.ends_with(kEnding) || name.size() == kEnding.size()) {
    return InvalidArgument(name + " does not end in .age: open it alone, with -o");
  }
  return name.substr(0, name.size() - kEnding.size());
}

}  // namespace salus::seal
