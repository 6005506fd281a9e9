// SPDX-License-Identifier: MPL-2.0

package template

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template/parse"
)

// checker finds what is wrong with a template without an alert: functions there are not, names there are not, too few
// arguments. It follows what is known of each value, which is a lot: only below the context anything goes.
type checker struct {
	template *Template
	faults   Faults
	vars     []known
	changed  map[string]bool // variables that are assigned to, of which nothing is known
	checked  map[called]bool
	calling  []string // the templates that call each other, outermost first
}

// known is what is known of a variable.
type known struct {
	name  string
	shape *shape
}

// called is a template with what it was given.
type called struct {
	name string
	dot  *shape
}

func check(t *Template) Faults {
	c := &checker{template: t, changed: map[string]bool{}, checked: map[called]bool{}}
	for _, tree := range t.trees {
		c.assignments(tree.Root)
	}
	c.call(main, alertShape())
	for _, name := range slices.Sorted(maps.Keys(t.trees)) {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(c.checked)), func(done called) bool { return done.name == name }) {
			c.call(name, nil)
		}
	}
	slices.SortFunc(c.faults, func(a, b Fault) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Message, b.Message)) })
	return slices.Compact(c.faults)
}

// assignments finds the variables that are assigned to rather than declared.
func (c *checker) assignments(node parse.Node) {
	switch node := node.(type) {
	case *parse.ListNode:
		if node != nil { // an else that is not there
			each(c, node.Nodes)
		}
	case *parse.ActionNode:
		c.assignments(node.Pipe)
	case *parse.TemplateNode:
		c.assignments(node.Pipe)
	case *parse.IfNode:
		each(c, []parse.Node{node.Pipe, node.List, node.ElseList})
	case *parse.WithNode:
		each(c, []parse.Node{node.Pipe, node.List, node.ElseList})
	case *parse.RangeNode:
		each(c, []parse.Node{node.Pipe, node.List, node.ElseList})
	case *parse.PipeNode:
		if node == nil { // of {{template "name"}}
			return
		}
		for _, v := range node.Decl {
			c.changed[v.Ident[0]] = c.changed[v.Ident[0]] || node.IsAssign
		}
		each(c, node.Cmds)
	case *parse.CommandNode:
		each(c, node.Args)
	case *parse.ChainNode:
		c.assignments(node.Node)
	}
}

// each finds the assignments in several nodes.
func each[N parse.Node](c *checker, nodes []N) {
	for _, node := range nodes {
		c.assignments(node)
	}
}

func (c *checker) add(node parse.Node, format string, args ...any) {
	c.faults = append(c.faults, Fault{Line: c.template.line(node.Position()), Message: fmt.Sprintf(format, args...)})
}

// call checks the template of a name, given a dot of that shape.
func (c *checker) call(name string, dot *shape) {
	key := called{name, dot}
	if c.checked[key] {
		return
	}
	c.checked[key] = true
	outside := c.vars
	c.vars = nil
	c.declare("$", dot)
	c.calling = append(c.calling, name)
	c.list(dot, c.template.trees[name].Root)
	c.calling = c.calling[:len(c.calling)-1]
	c.vars = outside
}

func (c *checker) list(dot *shape, list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch node := node.(type) {
		case *parse.ActionNode:
			c.pipe(dot, node.Pipe)
		case *parse.IfNode:
			c.branch(dot, &node.BranchNode, false)
		case *parse.WithNode:
			c.branch(dot, &node.BranchNode, true)
		case *parse.RangeNode:
			c.loop(dot, node)
		case *parse.TemplateNode:
			c.templateCall(dot, node)
		}
	}
}

func (c *checker) templateCall(dot *shape, node *parse.TemplateNode) {
	given := &shape{kind: Nothing, path: "what the template was given"}
	if node.Pipe != nil {
		given = c.pipe(dot, node.Pipe)
	} else if previous := c.nothing(node.Name); previous != nil {
		given = previous
	}
	switch {
	case c.template.trees[node.Name] == nil:
		c.add(node, "there is no template %q; it needs a {{define %q}}", node.Name, node.Name)
	case slices.Contains(c.calling, node.Name):
		c.add(node, "the template %q must not call itself", node.Name)
	default:
		c.call(node.Name, given)
	}
}

// nothing returns the shape of nothing with which a template was checked, so that it is checked with it once.
func (c *checker) nothing(name string) *shape {
	for done := range c.checked {
		if done.name == name && done.dot != nil && done.dot.kind == Nothing {
			return done.dot
		}
	}
	return nil
}

func (c *checker) branch(dot *shape, node *parse.BranchNode, with bool) {
	mark := len(c.vars)
	defer func() { c.vars = c.vars[:mark] }()
	value, outside := c.pipe(dot, node.Pipe), dot
	if with {
		dot = value
	}
	within := len(c.vars)
	c.list(dot, node.List)
	c.vars = c.vars[:within]
	c.list(outside, node.ElseList)
}

func (c *checker) loop(dot *shape, node *parse.RangeNode) {
	mark := len(c.vars)
	defer func() { c.vars = c.vars[:mark] }()
	value := c.pipe(dot, node.Pipe)
	var key, entry *shape
	if value != nil {
		switch value.kind {
		case List:
			key, entry = &shape{kind: Number, path: "the place in " + value.path}, &shape{kind: Text, path: "an entry of " + value.path}
		case Text, Truth:
			c.add(node, "range needs a list, a map or a whole number; %s is %s", value.path, value.kind)
		}
	}
	within := len(c.vars)
	shapes := []*shape{key, entry}[2-len(node.Pipe.Decl):]
	for i, v := range node.Pipe.Decl {
		c.declare(v.Ident[0], shapes[i])
	}
	c.list(entry, node.List)
	c.vars = c.vars[:within]
	c.list(dot, node.ElseList)
}

func (c *checker) declare(name string, s *shape) {
	if c.changed[name] {
		s = nil
	}
	c.vars = append(c.vars, known{name, s})
}

// pipe checks a pipeline and returns what is known of its value.
func (c *checker) pipe(dot *shape, pipe *parse.PipeNode) *shape {
	var value *shape
	for i, command := range pipe.Cmds {
		value = c.command(dot, command, i > 0)
	}
	if !pipe.IsAssign {
		for _, v := range pipe.Decl {
			c.declare(v.Ident[0], value)
		}
	}
	return value
}

func (c *checker) command(dot *shape, command *parse.CommandNode, piped bool) *shape {
	name, ok := command.Args[0].(*parse.IdentifierNode)
	if !ok {
		if command.Args[0].Type() == parse.NodeNil {
			c.add(command, "nil is not a command")
		}
		if piped || len(command.Args) > 1 {
			c.add(command, "%s is not a function and takes no argument", command.Args[0])
		}
		return c.operand(dot, command.Args[0])
	}
	count := len(command.Args) - 1
	if piped {
		count++
	}
	c.function(name, count)
	for _, arg := range command.Args[1:] {
		c.operand(dot, arg)
	}
	return nil
}

func (c *checker) function(name *parse.IdentifierNode, count int) {
	f, ok := functions[name.Ident]
	switch {
	case !ok:
		c.add(name, "there is no function %s%s", name.Ident, suggestion(name.Ident, slices.Collect(maps.Keys(functions)), ""))
	case count < f.least:
		c.add(name, "%s needs %d more: {{%s}}", name.Ident, f.least-count, f.Usage)
	case f.most >= 0 && count > f.most:
		c.add(name, "%s takes %d fewer: {{%s}}", name.Ident, count-f.most, f.Usage)
	}
}

func (c *checker) operand(dot *shape, node parse.Node) *shape {
	switch node := node.(type) {
	case *parse.DotNode:
		return dot
	case *parse.FieldNode:
		return c.path(node, dot, node.Ident)
	case *parse.VariableNode:
		return c.path(node, c.variable(node.Ident[0]), node.Ident[1:])
	case *parse.ChainNode:
		return c.path(node, c.operand(dot, node.Node), node.Field)
	case *parse.PipeNode:
		return c.pipe(dot, node)
	case *parse.IdentifierNode:
		c.function(node, 0)
	case *parse.NumberNode:
		if !node.IsInt && !node.IsFloat {
			c.add(node, "%s is no number that can be used here", node.Text)
		}
	}
	return nil
}

func (c *checker) variable(name string) *shape {
	for _, v := range slices.Backward(c.vars) {
		if v.name == name {
			return v.shape
		}
	}
	return nil
}

// path checks members asked for one in another.
func (c *checker) path(node parse.Node, from *shape, names []string) *shape {
	for _, name := range names {
		switch {
		case from == nil, from.kind == Map && from.members == nil:
			return nil
		case from.kind == Nothing:
			c.add(node, "the template is given nothing to take .%s of; {{template \"name\" .}} gives it what the dot is", name)
			return nil
		case from.kind != Map:
			c.add(node, "%s is %s and has no member %s", from.path, from.kind, name)
			return nil
		case from.members[name] == nil:
			c.add(node, "there is no %s.%s%s", from.path, name, suggestion(name, slices.Collect(maps.Keys(from.members)), from.path+"."))
			return nil
		}
		from = from.members[name]
	}
	return from
}

// suggestion asks whether the closest of the words there are was meant.
func suggestion(word string, words []string, prefix string) string {
	best, least := "", 3
	slices.Sort(words)
	for _, w := range words {
		if d := distance(strings.ToLower(word), strings.ToLower(w)); d < min(least, len(w)) {
			best, least = w, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + prefix + best + "?"
}

// distance counts the letters that must be added, removed or replaced to make b of a.
func distance(a, b string) int {
	if max(len(a), len(b)) > 40 {
		return 40
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		above := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := above
			if a[i] != b[j] {
				change++
			}
			above = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
