// SPDX-License-Identifier: MPL-2.0

// Command alertrouter runs the control plane and talks to one.
//
//	main.go        the command line: signals, flags, exit code
//	serve.go       serve, healthcheck and version
//	alerts.go      alert send, route preview
//	tokens.go      token create, list and revoke
//	deliveries.go  deliveries list and retry
//	output.go      tables for people, JSON for programs
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
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

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
	Serve       serveCommand       `cmd:"" help:"Run the control plane."`
	Alert       alertCommands      `cmd:"" help:"Send alerts."`
	Route       routeCommands      `cmd:"" help:"Ask where alerts go."`
	Token       tokenCommands      `cmd:"" help:"Manage API tokens."`
	Deliveries  deliveryCommands   `cmd:"" help:"Look at deliveries and replay failed ones."`
	Healthcheck healthcheckCommand `cmd:"" help:"Exit with 0 if a control plane is ready, else with 1."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
}

// remote is what every command that talks to a control plane needs.
type remote struct {
	Endpoint string `env:"ALERTROUTER_ENDPOINT" default:"http://127.0.0.1:8080" help:"Base URL of the control plane."`
	Token    string `env:"ALERTROUTER_TOKEN" placeholder:"TOKEN" help:"API token; better given in ALERTROUTER_TOKEN, since others can read a command line."`
	Output   string `enum:"text,json" default:"text" help:"text for people, json for programs."`
}

// client makes the API client.
func (r remote) client() (*client.ClientWithResponses, error) {
	return client.New(r.Endpoint, r.Token, client.WithUserAgent("alertrouter-cli/"+version))
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
	err := parsed.Run()
	if err == nil || errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return exitDone
	}
	fmt.Fprintln(s.err, "alertrouter:", err)
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	return exitFailed
}

// parse reads the command line into c. Without a command to run it returns nil and the exit code.
func parse(ctx context.Context, args []string, s streams, c *commands) (*kong.Context, int) {
	exit := -1
	parser, err := kong.New(c, kong.Name("alertrouter"),
		kong.Description("Routes security alerts to the places that must hear of them, and delivers them durably."),
		kong.Writers(s.out, s.err), kong.Exit(func(code int) { exit = code }), kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(s))
	if err == nil {
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

// addSettings puts a YAML file's settings behind the flags and the environment.
func addSettings(parser *kong.Kong, file string) error {
	if file == "" {
		return nil
	}
	settings, err := readSettings(file)
	if err != nil {
		return err
	}
	return kong.Resolvers(settings).Apply(parser)
}

// configFile finds --config before the flags are parsed, since it changes their defaults.
func configFile(args []string) string {
	for i, arg := range args {
		if value, ok := strings.CutPrefix(arg, "--config="); ok {
			return value
		}
		if arg == "--config" && i+1 < len(args) {
			return args[i+1]
		}
		if arg == "--" {
			break
		}
	}
	return os.Getenv("ALERTROUTER_CONFIG")
}

// readSettings makes a resolver of a YAML file. Its keys are the flags' names with underscores; one that is no
// setting of serve is an error. Flags and the environment win over it.
func readSettings(path string) (kong.Resolver, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read --config: %w", err)
	}
	var values map[string]any
	if err := yaml.Unmarshal(raw, &values); err != nil {
		return nil, fmt.Errorf("read --config %s: %w", path, err)
	}
	if err := checkSettings(values); err != nil {
		return nil, fmt.Errorf("read --config %s: %w", path, err)
	}
	return kong.ResolverFunc(func(_ *kong.Context, path *kong.Path, flag *kong.Flag) (any, error) {
		if path.Command == nil || path.Command.Name != "serve" {
			return nil, nil //nolint:nilnil // kong's way to say "not mine"
		}
		for _, name := range flag.Envs {
			if os.Getenv(name) != "" {
				return nil, nil //nolint:nilnil // the environment wins
			}
		}
		value, ok := values[strings.ReplaceAll(flag.Name, "-", "_")]
		if !ok {
			return nil, nil //nolint:nilnil // not in the file
		}
		if list, ok := value.([]any); ok {
			words := make([]string, len(list))
			for i, v := range list {
				words[i] = fmt.Sprint(v)
			}
			return strings.Join(words, ","), nil
		}
		return fmt.Sprint(value), nil
	}), nil
}
