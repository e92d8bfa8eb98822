// Goworker is a worker of the official Go SDK that also starts what it runs, to measure a sidecar with.
//
//	goworker -address 127.0.0.1:50001
//
// It reads lines of three numbers, CHAINS IN_FLIGHT LENGTH: so many workflows, so many of them at a time, each of so
// many activities one after the other that return their input. When all have ended it answers a line of JSON: the
// seconds that took, and the milliseconds from a start to its result, as the 50th and the 99th of 100. It ends with
// its input. LENGTH activities make LENGTH+1 turns.
//
// The module is the one that go-sdk 1.14 wraps (client.NewWorkflowClient), without the rest of Dapr.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"sort"
	"sync"
	"time"

	"github.com/dapr/durabletask-go/workflow"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

type report struct {
	Chains   int     `json:"chains"`
	InFlight int     `json:"in_flight"`
	Length   int     `json:"length"`
	Seconds  float64 `json:"seconds"`
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
}

func main() {
	address := flag.String("address", "127.0.0.1:"+port(), "host:port of the sidecar's gRPC API")
	only := flag.Bool("client", false, "start chains and wait for them, but leave their work to another worker")
	flag.Parse()
	connection, err := grpc.NewClient(*address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	client := workflow.NewClient(connection)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	if !*only {
		must(client.StartWorker(ctx, registry()))
	}
	lines := bufio.NewScanner(os.Stdin)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var chains, inFlight, length int
		if _, err := fmt.Sscan(lines.Text(), &chains, &inFlight, &length); err != nil && err != io.EOF {
			log.Fatalf("%q: %v", lines.Text(), err)
		}
		if err := answers.Encode(measure(ctx, client, chains, inFlight, length)); err != nil {
			log.Fatal(err)
		}
	}
}

func port() string {
	if given := os.Getenv("DAPR_GRPC_PORT"); given != "" {
		return given
	}
	return "50001"
}

func registry() *workflow.Registry {
	known := workflow.NewRegistry()
	must(known.AddWorkflowN("Chain", chain))
	must(known.AddActivityN("Step", step))
	return known
}

func chain(ctx *workflow.WorkflowContext) (any, error) {
	var length, value int
	if err := ctx.GetInput(&length); err != nil {
		return nil, err
	}
	for number := range length {
		if err := ctx.CallActivity("Step", workflow.WithActivityInput(number)).Await(&value); err != nil {
			return nil, err
		}
	}
	return value, nil
}

func step(ctx workflow.ActivityContext) (any, error) {
	var value int
	err := ctx.GetInput(&value)
	return value, err
}

// measure runs the chains and checks the result of each.
func measure(ctx context.Context, client *workflow.Client, chains, inFlight, length int) report {
	left := make(chan struct{}, chains)
	for range chains {
		left <- struct{}{}
	}
	close(left)
	took := make(chan float64, chains)
	var at sync.WaitGroup
	began := time.Now()
	for range inFlight {
		at.Add(1)
		go func() {
			defer at.Done()
			for range left {
				started := time.Now()
				run(ctx, client, length)
				took <- float64(time.Since(started).Microseconds()) / 1000
			}
		}()
	}
	at.Wait()
	seconds := time.Since(began).Seconds()
	close(took)
	var all []float64
	for one := range took {
		all = append(all, one)
	}
	sort.Float64s(all)
	return report{chains, inFlight, length, seconds, percentile(all, 50), percentile(all, 99)}
}

func run(ctx context.Context, client *workflow.Client, length int) {
	id, err := client.ScheduleWorkflow(ctx, "Chain", workflow.WithInput(length))
	must(err)
	ended, err := client.WaitForWorkflowCompletion(ctx, id)
	must(err)
	if got, want := ended.Output.GetValue(), fmt.Sprint(length-1); got != want {
		log.Fatalf("chain %s ended as %v with %q instead of %q", id, ended.RuntimeStatus, got, want)
	}
}

func percentile(sorted []float64, percent int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)*percent/100, len(sorted)-1)]
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
