// SPDX-License-Identifier: MPL-2.0

package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	"github.com/alertrouter/terraform-provider-alertrouter/server"
)

// addSettings puts a YAML file's settings behind the flags and the environment.
func addSettings(parser *kong.Kong, file string) error {
	if file == "" {
		return nil
	}
	values, err := readSettings(file)
	if err != nil {
		return fmt.Errorf("read --config %s: %w", file, err)
	}
	return kong.Resolvers(kong.ResolverFunc(func(_ *kong.Context, path *kong.Path, flag *kong.Flag) (any, error) {
		if path.Command == nil || path.Command.Name != "serve" {
			return nil, nil //nolint:nilnil // kong's way to say "not mine"
		}
		for _, name := range flag.Envs {
			if os.Getenv(name) != "" {
				return nil, nil //nolint:nilnil // the environment wins
			}
		}
		value, ok := values[keyOf(flag.Name)]
		if !ok {
			return nil, nil //nolint:nilnil // not in the file
		}
		return value, nil
	})).Apply(parser)
}

// duration reads a duration, which may have days.
func duration(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("duration", &text); err != nil {
		return err
	}
	d, err := server.ParseDuration(text)
	if err != nil {
		return err
	}
	target.SetInt(int64(d))
	return nil
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

// keyOf returns the key in the file of the flag of a name.
func keyOf(name string) string { return strings.ReplaceAll(name, "-", "_") }

// readSettings reads a YAML file: each setting as the flag would have it. A null is as good as absent. A key that is no
// setting, or a value of the wrong form, is an error.
func readSettings(file string) (map[string]string, error) {
	raw, err := os.ReadFile(file)
	if pathErr, ok := errors.AsType[*os.PathError](err); ok {
		return nil, pathErr.Err // the name is said already
	}
	if err != nil {
		return nil, err
	}
	var nodes map[string]yaml.Node
	if err := yaml.Unmarshal(raw, &nodes); err != nil {
		return nil, err
	}
	isList := map[string]bool{} // of every setting
	for f := range reflect.TypeFor[server.Config]().Fields() {
		if name := f.Tag.Get("name"); name != "" {
			isList[keyOf(name)] = f.Type.Kind() == reflect.Slice
		}
	}
	values := map[string]string{}
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(nodes)) {
		list, known := isList[key]
		if !known {
			errs = append(errs, fmt.Errorf("there is no setting %s; there are %s", key, strings.Join(slices.Sorted(maps.Keys(isList)), ", ")))
			continue
		}
		words, err := wordsOf(new(nodes[key]), list)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s %w", key, err))
		}
		if len(words) > 0 {
			values[key] = strings.Join(words, ",")
		}
	}
	return values, errors.Join(errs...)
}

// wordsOf returns the scalar at a node as it is written, or the scalars of a list if a list is wanted; none for null.
func wordsOf(node *yaml.Node, list bool) ([]string, error) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch {
	case node.Kind == yaml.ScalarNode && node.Tag == "!!null":
		return nil, nil
	case node.Kind == yaml.ScalarNode:
		return []string{node.Value}, nil
	case !list:
		return nil, errors.New("must be a single value, not a list or a map")
	case node.Kind != yaml.SequenceNode:
		return nil, errors.New("must be a list of values, not a map")
	}
	var words []string
	for _, entry := range node.Content {
		word, err := wordsOf(entry, false)
		if err != nil || len(word) == 0 {
			return nil, errors.New("must be a list of values, not of lists, maps or nulls")
		}
		words = append(words, word...)
	}
	return words, nil
}
