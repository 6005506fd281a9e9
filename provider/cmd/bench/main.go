// SPDX-License-Identifier: MPL-2.0

// Command bench measures the provider with many destinations beside a provider that does nothing, and writes
// docs/benchmarks-provider.md. It builds the real provider and the real control plane and runs the Terraform or
// OpenTofu that it finds, as a user would. It writes only below -dir, into a directory that it removes, and to -out.
//
//	main.go      the command line
//	bench.go     the steps, for each number of resources
//	config.go    what is declared: destinations, and as many of the yardsticks
//	engine.go    running Terraform, and what it cost
//	plugin.go    this program in a plugin's place, to learn what the plugin cost
//	plane.go     the control plane, and what it was asked
//	report.go    the page
//	noop/        the provider that does nothing
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
	"strconv"
	"strings"
	"syscall"
)

func main() {
	if path, ok := replaced(os.Args[0]); ok {
		os.Exit(standIn(path))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are the command line.
type options struct {
	sizes       []int // numbers of resources
	turns       int   // how often the yardsticks and the provider take turns with a plan that changes nothing
	parallelism int   // Terraform's
	quick       bool
	dir         string
	out         string
}

// run executes a command line and returns the exit code.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	o, err := parse(args, errs)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2
	}
	made, err := measure(ctx, o, errs)
	if err == nil {
		err = publish(o, made, out)
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
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(errs)
	sizes := flags.String("n", "500,2000", "`numbers` of resources to measure with")
	flags.IntVar(&o.turns, "turns", 5, "how often a plan that changes nothing is made; its figures are medians")
	flags.IntVar(&o.parallelism, "parallelism", 10, "Terraform's -parallelism; 10 is its default")
	flags.BoolVar(&o.quick, "quick", false, "3 resources and 1 turn, to see that everything works")
	flags.StringVar(&o.dir, "dir", os.TempDir(), "`directory` to work in; what is written there is removed")
	flags.StringVar(&o.out, "out", "", "`file` to write the page to, besides printing it")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.quick {
		*sizes, o.turns = "3", 1
	}
	for text := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			fmt.Fprintln(errs, "bench: -n is numbers with commas between them, such as 500,2000")
			return o, errors.New("bad usage")
		}
		o.sizes = append(o.sizes, n)
	}
	if flags.NArg() > 0 || o.turns < 1 || o.parallelism < 1 {
		fmt.Fprintln(errs, "bench: it takes flags only, and -turns and -parallelism must be more than 0")
		return o, errors.New("bad usage")
	}
	return o, nil
}
