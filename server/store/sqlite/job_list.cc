#include "server/store/sqlite/job_list.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/base/status_macros.h"
#include "server/store/record.h"
#include "server/store/sqlite/filter_sql.h"

namespace bits::store {
namespace {

constexpr int kAfter = 1;
constexpr int kRows = 2;
constexpr int kOwner = 3;
constexpr int kFirstOfFilter = 4;

struct Plan {
  std::optional<std::string> owner;
  std::vector<int> states;  // to look at
  bool all_states = false;
  FilterSql filter;
};

Plan MakePlan(const app::JobQuery& query) {
  Plan plan;
  plan.owner = query.owner.has_value() ? query.owner : OnlyOwner(query.filter);
  const uint32_t possible = PossibleStates(query.filter);
  for (int state = 0; state < domain::kJobStateCount; ++state) {
    const bool asked = query.show_final || !domain::IsFinal(static_cast<domain::JobState>(state));
    if (asked && (possible & (1u << state)) != 0) plan.states.push_back(state);
  }
  plan.all_states = plan.states.size() == domain::kJobStateCount;
  plan.filter = CompileFilter(query.filter, kFirstOfFilter);
  return plan;
}

// Each arm goes through one stretch of an index, which is in the order of seq; SQLite merges
// them as it goes.
std::string ArmSql(const Plan& plan, std::optional<int> state) {
  std::string sql = "SELECT seq, ";
  sql += plan.filter.condition == "1" ? "record"
                                      : "CASE WHEN " + plan.filter.condition + " THEN record END";
  sql += " FROM jobs ";
  if (plan.owner.has_value()) {
    sql += "INDEXED BY jobs_by_owner WHERE owner = ?3 AND ";
  } else if (state.has_value()) {
    sql += "INDEXED BY jobs_by_state WHERE ";
  } else {
    sql += "WHERE ";
  }
  if (state.has_value()) sql += "state = " + std::to_string(*state) + " AND ";
  sql += "seq > ?1";
  return sql;
}

std::string Sql(const Plan& plan) {
  std::string sql;
  if (plan.all_states && !plan.owner.has_value()) {
    sql = ArmSql(plan, std::nullopt);
  } else {
    for (const int state : plan.states) {
      if (!sql.empty()) sql += " UNION ALL ";
      sql += ArmSql(plan, state);
    }
  }
  return sql + " ORDER BY seq LIMIT ?2";
}

}  // namespace

absl::StatusOr<app::JobPage> ListJobs(Database& database, const app::JobQuery& query,
                                      uint32_t row_limit) {
  app::JobPage page;
  page.last = query.after;
  if (query.limit == 0) return page;
  const Plan plan = MakePlan(query);
  if (plan.states.empty() || query.after > std::numeric_limits<int64_t>::max()) {
    page.end = true;
    return page;
  }
  Statement statement = database.Prepare(Sql(plan));
  // One row more tells whether there is one.
  const bool picks = plan.filter.condition != "1";
  const uint32_t look_at = picks ? row_limit : std::min(row_limit, query.limit);
  statement.BindInt(kAfter, static_cast<int64_t>(query.after));
  statement.BindInt(kRows, int64_t{look_at} + 1);
  if (plan.owner.has_value()) statement.BindText(kOwner, *plan.owner);
  BindFilter(plan.filter, kFirstOfFilter, statement);
  for (uint32_t looked_at = 0;; ++looked_at) {
    BITS_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) {
      page.end = true;
      return page;
    }
    if (looked_at == look_at || page.jobs.size() == query.limit) return page;
    page.last = static_cast<uint64_t>(statement.Int(0));
    if (statement.IsNull(1)) continue;
    BITS_ASSIGN_OR_RETURN(domain::Job job, DecodeJob(statement.Bytes(1)));
    page.jobs.push_back(std::move(job));
  }
}

std::string ListJobsSql(const app::JobQuery& query) { return Sql(MakePlan(query)); }

}  // namespace bits::store
