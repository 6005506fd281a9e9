// SPDX-License-Identifier: MPL-2.0

// Command bench measures the control plane beside what the same machine can do at most, and writes docs/benchmarks.md.
// It builds and runs the real server; what is posted to, and what the server delivers to, are processes of their own, so
// that what each costs can be told apart. It writes only below -dir, into a directory that it removes, and to -out.
//
//	main.go             the command line
//	bench.go            the measurements in their order, and what they share
//	alerts.go           the alerts that are sent
//	load.go             the load: requests as fast as they are answered, or at a fixed rate
//	sink.go             the process that stands for every destination
//	echo.go             the yardstick of accepting: a process that decodes an alert and does nothing
//	post.go             the yardstick of delivering: a plain client that posts to the sink
//	helper.go           running this program again as sink or echo
//	server.go           building, running and asking the real server
//	tie_linux.go        no process outlives this one (tie_other.go: elsewhere it may)
//	process.go          what the system says of a process: memory, processor time
//	measure_accept.go   accepting, one by one and in batches
//	measure_deliver.go  accepting and delivering, saturated; memory
//	measure_latency.go  from acceptance to arrival, and beside a destination that hangs
//	measure_backlog.go  draining, and starting with a backlog
//	measure_large.go    a store that holds many alerts already
//	report.go           the table
//	machine.go          what it was measured on
//
// A measurement that fails is a row that says so, and the others are made all the same; the page is not written then.
//
// Exit codes: 0 everything was measured, met or not; 1 something failed; 2 bad usage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are the command line.
type options struct {
	duration time.Duration  // of one measurement's load, in all
	only     *regexp.Regexp // names of the measurements to make
	quick    bool
	waiting  int // deliveries of the smaller backlog
	many     int // deliveries of the larger one
	large    int // alerts in the large store
	corpus   string
	dir      string
	out      string
}

// run executes a command line and returns the exit code.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	if role := os.Getenv(roleVariable); role != "" {
		return play(role, os.Stdin, out, errs)
	}
	o, err := parse(args, errs)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2
	}
	made, err := measure(ctx, o, errs)
	if err == nil {
		err = publish(ctx, o, made, out)
	}
	if err == nil {
		err = made.failed
	}
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	if err != nil {
		fmt.Fprintln(errs, "bench:", err)
		return 1
	}
	return 0
}

// parse reads the command line and complains of a wrong one.
func parse(args []string, errs io.Writer) (options, error) {
	o := options{waiting: 100_000, many: 1_000_000, only: regexp.MustCompile("")}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.DurationVar(&o.duration, "duration", 10*time.Second, "how long a measurement's load lasts")
	flags.BoolVar(&o.quick, "quick", false, "1 s each and small backlogs, to see that everything works")
	full := flags.Bool("full", false, "10,000,000 alerts in the large store")
	flags.IntVar(&o.large, "large", 1_000_000, "alerts in the large store")
	flags.StringVar(&o.corpus, "corpus", "../shared/corpus/panther-analysis.jsonl", "`file` with real alerts; examples/alerts stand in where it does not exist")
	flags.StringVar(&o.dir, "dir", os.TempDir(), "`directory` on the disk to measure; what is written there is removed")
	flags.StringVar(&o.out, "out", "", "`file` to write the page to, besides printing the table")
	flags.Func("only", "`regexp` of the measurements to make", func(text string) (err error) {
		o.only, err = regexp.Compile(text)
		return err
	})
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if o.quick {
		o.waiting, o.many = 1_000, 2_000
		if !given["duration"] {
			o.duration = time.Second
		}
		if !given["large"] {
			o.large = 2_000
		}
	}
	if *full {
		o.large = 10_000_000
	}
	if flags.NArg() > 0 || o.duration <= 0 || o.large <= 0 {
		fmt.Fprintln(errs, "bench: it takes flags only, and -duration and -large must be more than 0")
		return o, errors.New("bad usage")
	}
	return o, nil
}
