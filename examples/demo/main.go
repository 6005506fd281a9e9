// SPDX-License-Identifier: MPL-2.0

// Command demo shows alertrouter's whole job on this machine, and checks it: it declares destinations with Terraform,
// sends alerts as a detection engine would, and prints where each went, why, and how fast. It needs Go and Terraform or
// OpenTofu, and writes only into a temporary directory that it removes.
//
//	main.go              the command line
//	demo.go              the steps; starting, declaring and ending
//	send.go              the steps that send alerts and look at what became of them
//	alerts.go            the alerts, and what must become of each
//	controlplane.go      building the programs, running the control plane
//	terraform.go         finding and running Terraform
//	receiver.go          what stands in for the SOAR, Slack and PagerDuty
//	report.go            the table and the expectations
//	demo_override.tf     what the demo lays over examples/quickstart
//
// Exit codes: 0 every expectation held, 1 one did not or something failed, 2 bad usage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run executes a command line and returns the exit code.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(errs)
	keep := flags.Bool("keep", false, "leave everything running until Ctrl-C")
	bin := flags.String("bin", "", "`directory` that holds both programs; built when empty")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	d := &demo{report: report{out: out}, keep: *keep, bin: *bin}
	if err := d.run(ctx); err != nil {
		if ctx.Err() != nil {
			err = errors.New("interrupted")
		}
		fmt.Fprintln(errs, "demo:", err)
		return 1
	}
	return 0
}
