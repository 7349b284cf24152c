// TarBuilder makes archives byte by byte, such as no tar would write. Test code only.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace salus::seal {

// Source: POSIX.1-2001 ustar and pax; GNU tar's sparse header.
class TarBuilder {
 public:
  struct Header {
    std::string name = {};
    char type = '0';
    std::string content = {};
    std::string link = {};
    unsigned mode = 0644;
    std::string sparse = {};  // GNU's fields from byte 386 on
  };

  TarBuilder& Add(const Header& header) {
    std::string block(512, '\0');
    const auto put = [&](std::size_t at, std::string_view text) {
      std::copy(text.begin(), text.end(), block.begin() + static_cast<std::ptrdiff_t>(at));
    };
    put(0, std::string_view(header.name).substr(0, 100));
    put(100, fmt::format("{:07o}", header.mode));
    put(108, "0000000");
    put(116, "0000000");
    put(124, fmt::format("{:011o}", header.content.size()));
    put(136, fmt::format("{:011o}", 1'700'000'000));
    put(148, "        ");
    put(156, std::string(1, header.type));
    put(157, std::string_view(header.link).substr(0, 100));
    put(257, header.sparse.empty() ? std::string_view("ustar\00000", 8) : "ustar  ");
    put(386, header.sparse);
    unsigned sum = 0;
    for (const char c : block) sum += static_cast<unsigned char>(c);
    put(148, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
    Append(bytes_, AsBytes(block));
    Append(bytes_, AsBytes(header.content));
    bytes_.resize((bytes_.size() + 511) / 512 * 512);
    return *this;
  }
  TarBuilder& Folder(const std::string& name, unsigned mode = 0755) {
    return Add({.name = name, .type = '5', .mode = mode});
  }
  TarBuilder& File(const std::string& name, const std::string& content = "text") {
    return Add({.name = name, .content = content});
  }
  TarBuilder& Link(const std::string& name, const std::string& target) {
    return Add({.name = name, .type = '2', .link = target});
  }
  TarBuilder& HardLink(const std::string& name, const std::string& target) {
    return Add({.name = name, .type = '1', .link = target});
  }
  // Pax puts a record before the next entry.
  TarBuilder& Pax(const std::string& keyword, const std::string& value) {
    const std::size_t rest = keyword.size() + value.size() + 3;
    std::size_t size = rest + 1;
    while (std::to_string(size).size() + rest != size) ++size;
    return Add({.name = "PaxHeader",
                .type = 'x',
                .content = fmt::format("{} {}={}\n", size, keyword, value)});
  }

  Bytes End() const {
    Bytes whole = bytes_;
    whole.resize(whole.size() + 1024);
    return whole;
  }

 private:
  Bytes bytes_;
};

}  // namespace salus::seal
