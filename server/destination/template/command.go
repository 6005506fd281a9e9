// SPDX-License-Identifier: MPL-2.0

package template

import (
	"encoding/json"
	"fmt"
	"strconv"
	"text/template/parse"
)

// pipe evaluates a pipeline and sets the variables it declares.
func (r *run) pipe(dot any, pipe *parse.PipeNode) (any, error) {
	if pipe == nil {
		return nil, nil // of {{template "name"}}
	}
	var value any
	for i, command := range pipe.Cmds {
		var err error
		if value, err = r.command(dot, command, value, i > 0); err != nil {
			return nil, r.at(command, err)
		}
	}
	for _, v := range pipe.Decl {
		if pipe.IsAssign {
			r.assign(v.Ident[0], value)
		} else {
			r.vars = append(r.vars, variable{v.Ident[0], value})
		}
	}
	return value, nil
}

// command evaluates a command. What was piped into it is its last argument.
func (r *run) command(dot any, command *parse.CommandNode, piped any, isPiped bool) (any, error) {
	name, ok := command.Args[0].(*parse.IdentifierNode)
	if !ok {
		return r.operand(dot, command.Args[0])
	}
	if name.Ident == "and" || name.Ident == "or" {
		return r.shortcut(dot, command.Args[1:], piped, isPiped, name.Ident == "or")
	}
	args := make([]any, 0, len(command.Args))
	for _, node := range command.Args[1:] {
		arg, err := r.operand(dot, node)
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
	if isPiped {
		args = append(args, piped)
	}
	return r.function(name.Ident, args)
}

// function calls a function and counts the texts it reads and makes.
func (r *run) function(name string, args []any) (any, error) {
	if err := r.step(); err != nil {
		return nil, err
	}
	read := 0
	for i, arg := range args {
		if raw, ok := arg.(Raw); ok && raw.kind() != Map && raw.kind() != List {
			args[i] = r.open(raw)
		}
		switch arg := args[i].(type) {
		case string:
			read += len(arg)
		case encoded:
			read += len(arg)
		case json.Number:
			read += len(arg)
		}
	}
	if err := r.handle(read); err != nil {
		return nil, err
	}
	value, err := functions[name].do(r, args)
	if r.handled < 0 {
		return nil, errHandled // whatever followed from it
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	switch made := value.(type) {
	case string:
		return value, r.handle(len(made))
	case encoded:
		return value, r.handle(len(made))
	}
	return value, nil
}

// shortcut evaluates and or or: the arguments up to the one that decides, which is the value.
func (r *run) shortcut(dot any, nodes []parse.Node, piped any, isPiped, decisive bool) (any, error) {
	var value any
	for _, node := range nodes {
		var err error
		if value, err = r.operand(dot, node); err != nil || r.truth(value) == decisive {
			return value, err
		}
	}
	if isPiped {
		value = piped
	}
	return value, nil
}

func (r *run) operand(dot any, node parse.Node) (any, error) {
	if err := r.step(); err != nil {
		return nil, err
	}
	switch node := node.(type) {
	case *parse.DotNode:
		return dot, nil
	case *parse.FieldNode:
		return r.path(dot, node.Ident), nil
	case *parse.VariableNode:
		return r.path(r.variable(node.Ident[0]), node.Ident[1:]), nil
	case *parse.ChainNode:
		value, err := r.operand(dot, node.Node)
		return r.path(value, node.Field), err
	case *parse.PipeNode:
		return r.pipe(dot, node)
	case *parse.IdentifierNode:
		return r.function(node.Ident, nil)
	case *parse.StringNode:
		return node.Text, nil
	case *parse.BoolNode:
		return node.True, nil
	case *parse.NumberNode:
		if node.IsInt {
			return node.Int64, nil
		}
		if node.IsUint {
			return json.Number(strconv.FormatUint(node.Uint64, 10)), nil // with all its digits
		}
		return node.Float64, nil
	}
	return nil, nil // nil
}

// path looks members up one in another.
func (r *run) path(value any, names []string) any {
	for _, name := range names {
		value = r.member(value, name)
	}
	return value
}
