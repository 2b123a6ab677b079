#include "server/rpc/grpc_log.h"

#include <grpc/support/log.h>

#include "server/base/log.h"

namespace bits::rpc {
namespace {

thread_local std::string* captured = nullptr;

LogLevel LevelOf(gpr_log_severity severity) {
  if (severity == GPR_LOG_SEVERITY_DEBUG) return LogLevel::kDebug;
  return severity == GPR_LOG_SEVERITY_INFO ? LogLevel::kInfo : LogLevel::kError;
}

void TakeGrpcLine(gpr_log_func_args* line) {
  if (captured != nullptr) {
    captured->append(captured->empty() ? "" : "; ").append(line->message);
    return;
  }
  const LogLevel level = LevelOf(line->severity);
  if (LogEnabled(level)) WriteLog(level, line->file, line->line, line->message);
}

}  // namespace

void TakeOverGrpcLog() { gpr_set_log_function(TakeGrpcLine); }

GrpcLogCapture::GrpcLogCapture() { captured = &text_; }
GrpcLogCapture::~GrpcLogCapture() { captured = nullptr; }

}  // namespace bits::rpc
