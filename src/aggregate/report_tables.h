// The tables of aggregate.db. Not a public header.
#pragma once

#include <span>

#include "storage/database.h"

namespace salus::aggregate {

std::span<const storage::Migration> ReportTables();

}  // namespace salus::aggregate
