// Fetches a file through bitsd and waits for it: go run . ADDRESS URL LOCAL
// Run ./generate.sh first. Exits with 3 if the job stops with an error.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	pb "example.com/bits/bitsv1"
)

// refusalReason gives the BITS symbol of a refused call: decide by it, not by the message.
func refusalReason(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.Reason
		}
	}
	return status.Code(err).String()
}

// watch calls each with the job as it changes until it gives false; after a broken
// stream it goes on from the last cursor.
func watch(ctx context.Context, jobs pb.JobServiceClient, job *pb.Job, each func(*pb.Job) bool) error {
	cursor := ""
	for {
		request := &pb.WatchJobsRequest{
			Filter: fmt.Sprintf("labels.example = %q", job.Labels["example"]), Cursor: cursor}
		stream, err := jobs.WatchJobs(ctx, request, grpc.WaitForReady(true))
		for err == nil {
			var event *pb.JobEvent
			if event, err = stream.Recv(); err != nil {
				break
			}
			if event.Cursor != "" {
				cursor = event.Cursor
			}
			if event.GetJob().GetName() == job.Name && !each(event.Job) {
				return nil
			}
		}
		if refusalReason(err) == "CURSOR_EXPIRED" {
			cursor = ""
		} else if status.Code(err) != codes.Unavailable {
			return err
		}
	}
}

func run(address, url, local string) error {
	conn, err := grpc.Dial(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	jobs, errors := pb.NewJobServiceClient(conn), pb.NewErrorServiceClient(conn)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()

	job, err := jobs.CreateJob(ctx, &pb.CreateJobRequest{
		Job: &pb.Job{
			DisplayName: "go example",
			Labels:      map[string]string{"example": fmt.Sprint(time.Now().UnixNano())},
		},
		Files: []*pb.File{{RemoteName: url, LocalName: local}},
		Start: true,
	})
	if err != nil {
		return err
	}
	fmt.Println("created", job.Name)

	if err := watch(ctx, jobs, job, func(now *pb.Job) bool {
		job = now
		fmt.Println(job.State, job.GetProgress().GetBytesTransferred())
		return job.State != pb.Job_STATE_ERROR && job.State != pb.Job_STATE_TRANSFERRED
	}); err != nil {
		return err
	}
	failure, err := errors.GetError(ctx, &pb.GetErrorRequest{Job: job.Name})
	if err == nil {
		fmt.Printf("%s 0x%08X HTTP %d: %s\n", failure.Code, failure.Hresult, failure.HttpStatus,
			failure.Description)
		if _, err := jobs.CancelJob(ctx, &pb.CancelJobRequest{Name: job.Name}); err != nil {
			return err
		}
		os.Exit(3)
	}
	fmt.Println("GetError is refused:", refusalReason(err))
	if _, err := jobs.CompleteJob(ctx, &pb.CompleteJobRequest{Name: job.Name}); err != nil {
		return err
	}
	fmt.Println("completed")
	return nil
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: go run . ADDRESS URL LOCAL")
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		log.Fatal(err)
	}
}
