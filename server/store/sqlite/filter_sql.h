// A job filter as a condition over the columns of `jobs`. It holds for a row exactly if
// domain::Matches does for the job. Any thread.
#ifndef BITS_SERVER_STORE_SQLITE_FILTER_SQL_H_
#define BITS_SERVER_STORE_SQLITE_FILTER_SQL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "server/domain/job_filter.h"
#include "server/store/sqlite/statement.h"

namespace bits::store {

struct FilterSql {
  std::string condition;  // never NULL; "1" if the filter is of kind kAll
  // Of the parameters ?first, ?first+1, ...; a string is a blob.
  std::vector<std::variant<int64_t, std::string>> parameters;
};

// No literal of the filter becomes part of the condition: all are parameters.
FilterSql CompileFilter(const domain::JobFilter& filter, int first_parameter);

// The parameters live until the statement is reset.
void BindFilter(const FilterSql& filter, int first_parameter, Statement& statement);

// The states, as bits (1 << state), of jobs that the filter may match: never one too few.
uint32_t PossibleStates(const domain::JobFilter& filter);

// The one owner whose jobs the filter may match, where that is plain to see.
std::optional<std::string> OnlyOwner(const domain::JobFilter& filter);

// A time as columns keep it. Times beyond 1677 and 2262 become the first or the last one.
int64_t TimeColumn(absl::Time time);

}  // namespace bits::store

#endif  // BITS_SERVER_STORE_SQLITE_FILTER_SQL_H_
