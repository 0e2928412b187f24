package bot_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"sesi.dev/sesi/api/bot"
)

// writtenOut matches a path of the bot's API in a string. The operator and the API server have a /metrics, and the
// operator a /readyz, so these count only in the bot.
var (
	writtenOut    = regexp.MustCompile(`/api/(session|sessions|health|messages|events|webhooks|contacts|chats|groups|account|calls)\b|^[A-Z ]*/qr$|(^|[^a-z])/openapi\.json`)
	writtenInBots = regexp.MustCompile(`^[A-Z ]*/(livez|readyz|metrics|ping)$`)
)

// A path that is written out twice is changed in one place and forgotten in the other.
func TestPathsAreWrittenOnce(t *testing.T) {
	root := filepath.Join("..", "..")
	checked := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		switch {
		case entry.IsDir() && (name == "api/bot" || strings.HasPrefix(entry.Name(), ".") && path != root || entry.Name() == "testdata"):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		checked++
		inBot := strings.HasPrefix(name, "botruntime/") || strings.HasPrefix(name, "cmd/bot/")
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			value, err := strconv.Unquote(literal.Value)
			if err == nil && (writtenOut.MatchString(value) || inBot && writtenInBots.MatchString(value)) {
				t.Errorf("%s writes out the path %q; use the constant of api/bot", name, value)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 100 {
		t.Fatalf("only %d files were checked; is the root of the module still %s?", checked, root)
	}
}

func TestWAHAPath(t *testing.T) {
	if got := bot.WAHAPath(bot.PathWAHARequestCode, "shop"); got != "/api/shop/auth/request-code" {
		t.Errorf("got %s", got)
	}
}
