#pragma once

#include "apps/salus/session.h"
#include "client/published_tree.h"

namespace salus::cli {

// OpenPublishedTree is the newest tree of a place, compared with what this device remembers; it
// says so when nothing is. The place must stay.
//
// Errors: as client::PublishedTree::Open and client::ReaderState::OfUser.
Result<client::PublishedTree> OpenPublishedTree(Session& session, Backend& place);

}  // namespace salus::cli
