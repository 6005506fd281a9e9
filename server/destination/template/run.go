// SPDX-License-Identifier: MPL-2.0

package template

import (
	"errors"
	"fmt"
	"text/template/parse"
)

// run is one execution.
type run struct {
	template *Template
	out      output
	vars     []variable
	steps    int           // how many are left
	handled  int           // how many bytes functions may still handle
	opened   map[*byte]any // what was taken apart, by where its JSON is
}

type variable struct {
	name  string // with its dollar sign
	value any
}

// What ends a round of a range; they never leave it.
var (
	errBreak    = errors.New("break")
	errContinue = errors.New("continue")
)

var (
	errSteps   = fmt.Errorf("stopped after %d steps; a range in a range is mostly why", MaxSteps)
	errHandled = errors.New("stopped: it handles too much text")
)

// step counts one step.
func (r *run) step() error {
	if r.steps--; r.steps < 0 {
		return errSteps
	}
	if r.handled < 0 {
		return errHandled
	}
	return nil
}

// handle counts bytes that are read or made.
func (r *run) handle(bytes int) error {
	if r.handled -= bytes; r.handled < 0 {
		r.handled = -1 // it must not get round
		return errHandled
	}
	return nil
}

// at says where an error happened, unless it says so already.
func (r *run) at(node parse.Node, err error) error {
	if err == nil || errors.Is(err, errBreak) || errors.Is(err, errContinue) {
		return err
	}
	if _, ok := errors.AsType[Fault](err); ok {
		return err
	}
	return Fault{Line: r.template.line(node.Position()), Message: err.Error()}
}

// call executes a template of its own. None calls itself, so calls do not get deep.
func (r *run) call(name string, dot any) error {
	outside := r.vars
	r.vars = []variable{{"$", dot}}
	err := r.list(dot, r.template.trees[name].Root)
	r.vars = outside
	return err
}

func (r *run) list(dot any, list *parse.ListNode) error {
	if list == nil {
		return nil
	}
	for _, node := range list.Nodes {
		if err := r.step(); err != nil {
			return r.at(node, err)
		}
		if err := r.node(dot, node); err != nil {
			return r.at(node, err)
		}
	}
	return nil
}

func (r *run) node(dot any, node parse.Node) error {
	switch node := node.(type) {
	case *parse.TextNode:
		return r.out.own(node.Text)
	case *parse.ActionNode:
		value, err := r.pipe(dot, node.Pipe)
		if err != nil || len(node.Pipe.Decl) > 0 {
			return err
		}
		return r.out.print(r, value)
	case *parse.IfNode:
		return r.branch(dot, &node.BranchNode, false)
	case *parse.WithNode:
		return r.branch(dot, &node.BranchNode, true)
	case *parse.RangeNode:
		return r.loop(dot, node)
	case *parse.TemplateNode:
		value, err := r.pipe(dot, node.Pipe)
		if err != nil {
			return err
		}
		return r.call(node.Name, value)
	case *parse.BreakNode:
		return errBreak
	case *parse.ContinueNode:
		return errContinue
	}
	return nil // a comment
}

// branch executes an if, or a with, in which the value is the dot.
func (r *run) branch(dot any, node *parse.BranchNode, with bool) error {
	mark := len(r.vars)
	defer func() { r.vars = r.vars[:mark] }()
	value, err := r.pipe(dot, node.Pipe)
	if err != nil {
		return err
	}
	if !r.truth(value) {
		return r.list(dot, node.ElseList)
	}
	if with {
		dot = value
	}
	return r.list(dot, node.List)
}

// loop executes a range: over a list, over a map by its names in order, or so many times.
func (r *run) loop(dot any, node *parse.RangeNode) error {
	mark := len(r.vars)
	defer func() { r.vars = r.vars[:mark] }()
	value, err := r.pipe(dot, node.Pipe)
	if err != nil {
		return err
	}
	rounds, within := 0, len(r.vars) // what the pipeline declares, in brackets too, stays in all rounds
	round := func(key, entry any) (bool, error) {
		rounds++
		if err := r.step(); err != nil {
			return false, err
		}
		r.vars = r.vars[:within]
		r.declare(node.Pipe, key, entry)
		err := r.list(entry, node.List)
		if errors.Is(err, errBreak) {
			return false, nil
		}
		if err == nil || errors.Is(err, errContinue) {
			return true, nil
		}
		return false, err
	}
	if err := r.each(value, round); err != nil || rounds > 0 {
		return err
	}
	return r.list(dot, node.ElseList)
}

// each calls round for each entry, until it says that it is enough.
func (r *run) each(value any, round func(key, entry any) (bool, error)) error {
	n := 0
	entry := func(i int) (any, any) { return i, i }
	switch value := r.open(value).(type) {
	case nil:
		return nil
	case []any:
		n, entry = len(value), func(i int) (any, any) { return i, value[i] }
	case []string:
		n, entry = len(value), func(i int) (any, any) { return i, value[i] }
	case map[string]any:
		if r.steps -= len(value); r.steps < 0 { // sorting takes time, also when the first round is the last
			return errSteps
		}
		names := keys(value)
		n, entry = len(names), func(i int) (any, any) { return names[i], value[names[i]] }
	default:
		times, ok := r.whole(value)
		if !ok {
			return fmt.Errorf("range needs a list, a map or a whole number, not %s", r.kindOf(value))
		}
		n = int(min(times, MaxSteps+1))
	}
	for i := range n {
		if more, err := round(entry(i)); err != nil || !more {
			return err
		}
	}
	return nil
}

// declare gives the variables of a range their values in this round: the entry, or the key and the entry.
func (r *run) declare(pipe *parse.PipeNode, key, entry any) {
	values := []any{key, entry}[2-len(pipe.Decl):]
	for i, v := range pipe.Decl {
		if pipe.IsAssign {
			r.assign(v.Ident[0], values[i])
		} else {
			r.vars = append(r.vars, variable{v.Ident[0], values[i]})
		}
	}
}

func (r *run) assign(name string, value any) {
	for i := len(r.vars) - 1; i >= 0; i-- {
		if r.vars[i].name == name {
			r.vars[i].value = value
			return
		}
	}
}

func (r *run) variable(name string) any {
	for i := len(r.vars) - 1; i >= 0; i-- {
		if r.vars[i].name == name {
			return r.vars[i].value
		}
	}
	return nil
}
