package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// source is what the source code says about types beyond reflection.
type source struct {
	types  map[string]string   // type: comment
	fields map[string]string   // type.field: comment
	values map[string][]string // type: its constants' values, in order
}

// readSource reads the packages that define the API's answers.
func readSource(root string) (*source, error) {
	s := &source{types: map[string]string{}, fields: map[string]string{}, values: map[string][]string{}}
	for _, dir := range []string{"api/bot", "botruntime/httpapi"} {
		entries, err := os.ReadDir(filepath.Join(root, dir))
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			name := entry.Name()
			if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, dir, name), nil, parser.ParseComments)
			if err != nil {
				return nil, fmt.Errorf("read comments: %w", err)
			}
			s.readFile(file)
		}
	}
	return s, nil
}

func (s *source) readFile(file *ast.File) {
	for _, decl := range file.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range group.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				s.readType(spec, group.Doc)
			case *ast.ValueSpec:
				s.readValue(spec)
			}
		}
	}
}

func (s *source) readType(spec *ast.TypeSpec, doc *ast.CommentGroup) {
	if spec.Doc != nil {
		doc = spec.Doc
	}
	s.types[spec.Name.Name] = sentence(doc)
	structure, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	last := ""
	for _, field := range structure.Fields.List {
		// A comment also covers the following fields that have none.
		if field.Doc != nil {
			last = sentence(field.Doc)
		}
		for _, name := range field.Names {
			s.fields[spec.Name.Name+"."+name.Name] = last
		}
	}
}

func (s *source) readValue(spec *ast.ValueSpec) {
	kind, ok := spec.Type.(*ast.Ident)
	if !ok || len(spec.Values) != 1 {
		return
	}
	literal, ok := spec.Values[0].(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return
	}
	if value, err := strconv.Unquote(literal.Value); err == nil {
		s.values[kind.Name] = append(s.values[kind.Name], value)
	}
}

// sentence returns a comment on one line.
func sentence(doc *ast.CommentGroup) string {
	return strings.Join(strings.Fields(doc.Text()), " ")
}
