// A resource server: with the documented beans, or by properties alone.
package example;

import java.util.Arrays;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

@EnableAutoConfiguration
@RestController
public class Orders {
    /** The first argument says which; the others are properties. */
    public static void main(String[] arguments) {
        boolean documented = arguments[0].equals("documented");
        SpringApplication application = documented
                ? new SpringApplication(Orders.class, TokenVerification.class)
                : new SpringApplication(Orders.class);
        application.run(Arrays.copyOfRange(arguments, 1, arguments.length));
    }

    @GetMapping("/orders")
    String orders(@AuthenticationPrincipal Jwt token) {
        return token.getSubject();
    }
}
