"""transfer.py ADDRESS URL LOCAL: fetches a file through bitsd and waits for it.

Needs requirements.txt, and the stubs of ./generate.sh on PYTHONPATH. Exits with 3
if the job stops with an error.
"""

import sys
import uuid

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from bits.v1 import error_service_pb2, error_service_pb2_grpc
from bits.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc


def refusal_reason(error):
    """The BITS symbol of a refused call: decide by it, not by the message."""
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return info.reason
    return error.code().name


def watch(jobs, name, label):
    """Yields the job as it changes; after a broken stream, from the last cursor."""
    cursor = ""
    while True:
        request = job_service_pb2.WatchJobsRequest(
            filter=f'labels.example = "{label}"', cursor=cursor)
        try:
            for event in jobs.WatchJobs(request, wait_for_ready=True):
                cursor = event.cursor or cursor
                if event.job.name == name:
                    yield event.job
        except grpc.RpcError as error:
            if refusal_reason(error) == "CURSOR_EXPIRED":
                cursor = ""
            elif error.code() != grpc.StatusCode.UNAVAILABLE:
                raise


def main(address, url, local):
    channel = grpc.insecure_channel(address)
    jobs = job_service_pb2_grpc.JobServiceStub(channel)
    errors = error_service_pb2_grpc.ErrorServiceStub(channel)

    label = str(uuid.uuid4())
    request = job_service_pb2.CreateJobRequest(start=True, request_id=label)
    request.job.display_name = "python example"
    request.job.labels["example"] = label
    request.files.add(remote_name=url, local_name=local)
    name = jobs.CreateJob(request, timeout=30).name
    print("created", name)

    for job in watch(jobs, name, label):
        print(job_pb2.Job.State.Name(job.state), job.progress.bytes_transferred)
        if job.state == job_pb2.Job.STATE_ERROR:
            error = errors.GetError(error_service_pb2.GetErrorRequest(job=name), timeout=30)
            print(f"{error.code} 0x{error.hresult:08X} HTTP {error.http_status}: {error.description}")
            jobs.CancelJob(job_service_pb2.CancelJobRequest(name=name), timeout=30)
            return 3
        if job.state == job_pb2.Job.STATE_TRANSFERRED:
            break
    try:
        errors.GetError(error_service_pb2.GetErrorRequest(job=name), timeout=30)
    except grpc.RpcError as error:
        print("GetError is refused:", refusal_reason(error))
    jobs.CompleteJob(job_service_pb2.CompleteJobRequest(name=name), timeout=600)
    print("completed")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
