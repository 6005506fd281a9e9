// SPDX-License-Identifier: MPL-2.0

// Command alertrouter runs the control plane and talks to one.
//
//	main.go          the command line: signals, flags, exit code
//	serve.go         serve, healthcheck and version
//	settings.go      serve's settings from a YAML file
//	alerts.go        alert send, route preview
//	destinations.go  destination render
//	tokens.go        token create, list and revoke
//	deliveries.go    deliveries list and retry
//	backup.go        backup
//	restore.go       restore
//	store.go         store compact and check
//	output.go        tables for people, JSON for programs
//
// Exit codes: 0 done, 1 failed, 2 bad usage.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// version is set when a release is built.
var version = "dev"

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// commands is the whole command line.
type commands struct {
	Serve       serveCommand        `cmd:"" help:"Run the control plane."`
	Alert       alertCommands       `cmd:"" help:"Send alerts."`
	Route       routeCommands       `cmd:"" help:"Ask where alerts go."`
	Destination destinationCommands `cmd:"" help:"Look at what destinations are sent."`
	Token       tokenCommands       `cmd:"" help:"Manage API tokens."`
	Deliveries  deliveryCommands    `cmd:"" help:"Look at deliveries and replay failed ones."`
	Backup      backupCommand       `cmd:"" help:"Copy the store of a running control plane to a file."`
	Restore     restoreCommand      `cmd:"" help:"Make the store of a data directory from a backup, before the control plane starts."`
	Store       storeCommands       `cmd:"" help:"Look after the store of a control plane that is stopped."`
	Healthcheck healthcheckCommand  `cmd:"" help:"Exit with 0 if a control plane is ready, else with 1."`
	Version     versionCommand      `cmd:"" help:"Print the version."`
}

// remote is what every command that talks to a control plane needs.
type remote struct {
	Endpoint string `env:"ALERTROUTER_ENDPOINT" default:"http://127.0.0.1:8080" help:"Base URL of the control plane."`
	Token    string `env:"ALERTROUTER_TOKEN" placeholder:"TOKEN" help:"API token; better given in ALERTROUTER_TOKEN, since others can read a command line."`
	connection
	output
}

// connection says whom to trust and who asks, when the control plane speaks TLS.
type connection struct {
	CACert     string `name:"ca-cert" env:"ALERTROUTER_CA_CERT" placeholder:"FILE" help:"Certificates of authorities to trust beside the system's: a PEM file, or the PEM text itself."`
	ClientCert string `env:"ALERTROUTER_CLIENT_CERT" placeholder:"FILE" help:"The certificate to show to a control plane that asks for one, as PEM file or text."`
	ClientKey  string `env:"ALERTROUTER_CLIENT_KEY" placeholder:"FILE" help:"Its private key, as PEM file; or as text, but then in the environment only."`
}

// output is how every command prints.
type output struct {
	Output string `enum:"text,json" default:"text" help:"text for people, json for programs."`
}

// client makes the API client.
func (r remote) client() (*client.ClientWithResponses, error) {
	api, err := client.New(r.Endpoint, r.Token, client.WithUserAgent("alertrouter-cli/"+version), client.WithTLS(r.CACert, r.ClientCert, r.ClientKey))
	return api, asFlag(err)
}

// asFlag calls the setting of the client that is wrong what its flag is called.
func asFlag(err error) error {
	if e, ok := errors.AsType[*client.SettingError](err); ok {
		return fmt.Errorf("--%s %s", strings.ReplaceAll(e.Setting, "_", "-"), e.Problem)
	}
	return err
}

// streams is where commands read and write.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// usageError is a mistake in the command line that parsing cannot see.
type usageError struct{ error }

// run executes a command line and returns the exit code.
func run(ctx context.Context, args []string, s streams) int {
	var c commands
	parsed, code := parse(ctx, args, s, &c)
	if parsed == nil {
		return code
	}
	err := runCommand(ctx, parsed)
	if err == nil {
		return exitDone
	}
	fmt.Fprintln(s.err, "alertrouter:", err)
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	return exitFailed
}

// cleanUpTime is how long an interrupted command may take to remove its unfinished files.
const cleanUpTime = 5 * time.Second

var errInterrupted = errors.New("interrupted")

// runCommand runs the command that was parsed. A signal is how serve is meant to end; any other command has then not
// done what it was asked. It is not waited for, as it may be reading input that never comes, unless it has files to remove.
func runCommand(ctx context.Context, parsed *kong.Context) error {
	if parsed.Command() == "serve" {
		err := parsed.Run()
		if errors.Is(err, context.Canceled) && ctx.Err() != nil {
			return nil
		}
		return err
	}
	done := make(chan error, 1)
	go func() { done <- parsed.Run() }()
	select {
	case err := <-done:
		if errors.Is(err, context.Canceled) && ctx.Err() != nil {
			return errInterrupted
		}
		return err
	case <-ctx.Done():
	}
	if _, ok := parsed.Selected().Target.Addr().Interface().(interface{ cleansUp() }); ok {
		select {
		case err := <-done:
			if err == nil {
				return nil // it was done before it heard
			}
		case <-time.After(cleanUpTime):
		}
	}
	return errInterrupted
}

// parse reads the command line into c. Without a command to run it returns nil and the exit code.
func parse(ctx context.Context, args []string, s streams, c *commands) (*kong.Context, int) {
	exit := -1
	parser, err := kong.New(c, kong.Name("alertrouter"),
		kong.Description("Routes security alerts to the places that must hear of them, and delivers them durably."),
		kong.Writers(s.out, s.err), kong.Exit(func(code int) { exit = code }), kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(s),
		kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(duration)))
	if err == nil && len(args) > 0 && args[0] == "serve" {
		err = addSettings(parser, configFile(args))
	}
	if err != nil {
		fmt.Fprintln(s.err, "alertrouter:", err)
		return nil, exitUsage
	}
	parsed, err := parser.Parse(args)
	if exit >= 0 { // --help was printed
		return nil, exit
	}
	if err != nil {
		fmt.Fprintf(s.err, "alertrouter: %v\nRun `alertrouter --help` for the commands and their flags.\n", err)
		return nil, exitUsage
	}
	return parsed, exitDone
}
