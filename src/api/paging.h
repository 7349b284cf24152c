// Lists that can be long: ?offset= and ?limit=, and "next" where there is more.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "api/handlers.h"
#include "api/json_body.h"

namespace salus::api {

struct Page {
  std::uint64_t offset = 0;
  std::uint64_t limit = 10'000;
};

// Errors: InvalidArgument.
inline Result<Page> ReadPage(const http::Query& query) {
  constexpr std::uint64_t kMost = 10'000;
  Page page;
  TRY(page.offset, ReadCount(query, "offset"));
  TRY(const std::uint64_t limit, ReadCount(query, "limit"));
  if (limit > kMost) return InvalidArgument("limit: must be at most 10000");
  if (limit > 0) page.limit = limit;
  return page;
}

// ListResponse is {NAME: [...], "next": OFFSET}.
template <typename Rows, typename ToJson>
Response ListResponse(std::string_view name, const Rows& rows, const Page& page, ToJson to_json) {
  codec::JsonArray items;
  const std::uint64_t begin = std::min<std::uint64_t>(page.offset, rows.size());
  const std::uint64_t end = begin + std::min<std::uint64_t>(page.limit, rows.size() - begin);
  for (std::uint64_t i = begin; i < end; ++i) items.push_back(to_json(rows[i]));
  codec::JsonObject body;
  body[name] = std::move(items);
  if (end < rows.size()) body["next"] = end;
  return JsonResponse(body);
}

}  // namespace salus::api
