package gateway

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// constants are the values of the text constants of a package whose names begin so.
func constants(t *testing.T, folder, prefix string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != len(spec.Names) {
				return true
			}
			for i, name := range spec.Names {
				if literal, ok := spec.Values[i].(*ast.BasicLit); ok && literal.Kind == token.STRING && strings.HasPrefix(name.Name, prefix) {
					value, err := strconv.Unquote(literal.Value)
					if err != nil {
						t.Fatal(err)
					}
					found[value] = folder + ": " + name.Name
				}
			}
			return true
		})
	}
	return found
}

// Each reason that the operator or a bot can write has a text in Indonesian, and no text is left for one that is gone.
// So have each state, condition and state of a webhook.
func TestEveryReasonIsSaid(t *testing.T) {
	known := map[string]string{}
	for folder, prefix := range map[string]string{"../api/v1alpha1": "Reason", "../api/bot": "Reason", "../controllers": "event"} {
		all := constants(t, folder, prefix)
		if len(all) < 3 {
			t.Errorf("only %d reasons were found in %s", len(all), folder)
		}
		for value, where := range all {
			known[value] = where
			if reasonTexts[value] == "" {
				t.Errorf("%s = %q has no text in Indonesian", where, value)
			}
		}
	}
	for value := range reasonTexts {
		if known[value] == "" {
			t.Errorf("%q has a text, and nothing writes it", value)
		}
	}
	for value, where := range constants(t, "../api/v1alpha1", "Condition") {
		if conditionTexts[value].id == "" {
			t.Errorf("%s has no text", where)
		}
	}
	for folder, prefix := range map[string]string{"../api/v1alpha1": "State", "../api/bot": "State"} {
		for value, where := range constants(t, folder, prefix) {
			if stateTexts[bot.State(value)].id == "" {
				t.Errorf("%s has no text", where)
			}
		}
	}
	for _, state := range bot.WebhookStates {
		if webhookTexts[state].id == "" {
			t.Errorf("the state %s of a webhook has no text", state)
		}
	}
}

// The operator writes no reason of an event or condition as a text in the middle of its code: the test above would not
// see it.
func TestReasonsAreConstants(t *testing.T) {
	files, err := filepath.Glob("../controllers/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, data, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			literal, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			kind := ""
			switch what := literal.Type.(type) {
			case *ast.Ident:
				kind = what.Name
			case *ast.SelectorExpr:
				kind = what.Sel.Name
			}
			if kind != "transition" && kind != "Condition" {
				return true
			}
			for i, element := range literal.Elts {
				value, field := element, ""
				if pair, ok := element.(*ast.KeyValueExpr); ok {
					value = pair.Value
					if key, ok := pair.Key.(*ast.Ident); ok {
						field = key.Name
					}
				}
				if _, text := value.(*ast.BasicLit); text && (field == "Reason" || field == "reason" || field == "" && i == 1) {
					t.Errorf("%s writes a reason that is no constant", name)
				}
			}
			return true
		})
	}
}

// An Indonesian reader gets the translation first, and the operator's own words as detail; others get these.
func TestSay(t *testing.T) {
	const reason, message = v1alpha1.ReasonImagePullFailed, "registry.example answers 401."
	for _, c := range []struct {
		reason, message, language string
		want                      said
	}{
		{reason, message, "id", said{"Image tidak dapat diunduh.", message}},
		{reason, message, "en", said{message, ""}},
		{"OfTheFuture", "Something new.", "id", said{"Something new.", ""}},
		{"OfTheFuture", "", "en", said{"OfTheFuture", ""}},
	} {
		if got := say(c.reason, c.message, c.language); got != c.want {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}
