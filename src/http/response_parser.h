// ParseResponseHead reads the head of an answer, with the same strictness as ParseHead reads that
// of a request.
//
// Source: RFC 9112 sections 4 to 6; stricter: every doubt is an error, and the connection can't be
//         used any more.
// Shape:  "HTTP/1.1 200 OK\r\n...\r\n\r\n"; the views in ResponseHead point into it.
// Errors: InvalidArgument, saying what is doubtful.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/exchange.h"
#include "http/request_parser.h"

namespace salus::http {

struct ResponseHead {
  int status = 0;  // 100 to 599
  std::string_view reason;
  std::vector<FieldView> fields;
};

// to: the method of the request that this answers. Framing::content_length is 0 where the answer
// has no body whatever its fields say (HEAD, 1xx, 204, 304); keep_alive is false where a server
// that gets this wrong would send one.
Result<void> ParseResponseHead(std::string_view head, const HeadLimits& limits, Method to,
                               ResponseHead& response, Framing& framing);

}  // namespace salus::http
